"use strict";

// The poll asks nothing while nobody looks, and says when what is shown may be old.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.target.id === "ob-poll") event.preventDefault();
});

const stale = (isStale) => {
  document.getElementById("ob-stale").hidden = !isStale;
};
// htmx also says that it has loaded an answer where that is an error.
document.addEventListener("htmx:afterRequest", (event) => stale(!event.detail.successful));

// In a site under DEBUG django-htmx puts an error in the page's place, and a poll that has failed
// would take with it what asks again. It listens to the same event, later than this.
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (event.target.id === "ob-poll") event.stopPropagation();
}, true);

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
