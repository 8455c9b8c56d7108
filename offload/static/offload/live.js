"use strict";

// The poll asks nothing while nobody looks, and says when what is shown may be old.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.target.id === "ob-poll") event.preventDefault();
});

const stale = (isStale) => {
  document.getElementById("ob-stale").hidden = !isStale;
};
for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.addEventListener(name, () => stale(true));
}
document.addEventListener("htmx:afterOnLoad", () => stale(false));
