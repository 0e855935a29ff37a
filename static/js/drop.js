/* Files dropped on the upload field, and a list of those that were chosen. */
(() => {
  "use strict";
  const zone = document.querySelector("[data-fw-drop-zone]");
  const input = zone?.querySelector("input[type=file]");
  const list = zone?.querySelector("[data-fw-drop-list]");
  if (!input) return;
  input.multiple = true;

  function show() {
    list.replaceChildren(
      ...Array.from(input.files, (file) => {
        const item = document.createElement("li");
        item.textContent = file.name;
        return item;
      }),
    );
    list.hidden = input.files.length < 2;
  }

  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("is-over");
    });
  }
  for (const name of ["dragleave", "drop"]) {
    zone.addEventListener(name, () => zone.classList.remove("is-over"));
  }
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) {
      input.files = event.dataTransfer.files;
      show();
    }
  });
  input.addEventListener("change", show);
})();
