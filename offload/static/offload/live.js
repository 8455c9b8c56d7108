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

// Ages go on counting, and the exact moment is named by the clock of whoever looks.
const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
const ageOf = (seconds) => {
  const [size, unit] = UNITS.find(([one]) => seconds >= one) || UNITS[UNITS.length - 1];
  return `${Math.floor(seconds / size)} ${unit}`;
};
const exactly = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const countOn = () => {
  if (document.hidden) return;
  for (const one of document.querySelectorAll("time[datetime]")) {
    const moment = new Date(one.dateTime);
    const seconds = Math.abs(Date.now() - moment) / 1000;
    one.title = exactly.format(moment);
    const text = one.textContent.replace(/\d+ (d|h|min|s)\b/, ageOf(seconds));
    if (text !== one.textContent) one.textContent = text;
  }
};
countOn();
setInterval(countOn, 10000);
document.addEventListener("htmx:afterSettle", countOn);
