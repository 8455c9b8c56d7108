"use strict";
// Files dropped on the form are sent by it; the assets are asked for again every second.

const form = document.getElementById("drop");
const gallery = document.getElementById("gallery");
const status = document.getElementById("gallery-status");

for (const name of ["dragenter", "dragover"]) {
  form.addEventListener(name, (event) => {
    event.preventDefault();
    form.classList.add("is-over");
  });
}
for (const name of ["dragleave", "drop"]) {
  form.addEventListener(name, () => form.classList.remove("is-over"));
}
form.addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files.length) {
    document.getElementById("files").files = event.dataTransfer.files;
    form.requestSubmit();
  }
});
// A file that misses the form must not replace the page.
for (const name of ["dragover", "drop"]) {
  window.addEventListener(name, (event) => event.preventDefault());
}

async function refresh() {
  const version = gallery.querySelector("[data-version]")?.dataset.version ?? "";
  try {
    const answer = await fetch(`${gallery.dataset.now}?v=${encodeURIComponent(version)}`);
    if (answer.redirected) {
      window.location.reload();
    } else if (answer.status === 200) {
      const focused = document.activeElement?.getAttribute("href");
      gallery.innerHTML = await answer.text();
      if (focused) gallery.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
    }
    status.textContent = "";
  } catch {
    status.textContent = "The site does not answer; what is shown may be old.";
  }
  window.setTimeout(refresh, 1000);
}

refresh();
