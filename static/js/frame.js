/* The page's frame: colour mode menu, the side bar on small screens. */
(() => {
  "use strict";

  function markTheme() {
    const mode = window.flywheelTheme.chosen();
    for (const button of document.querySelectorAll("[data-fw-theme]")) {
      button.setAttribute("aria-pressed", String(button.dataset.fwTheme === mode));
    }
  }

  function setMenu(open) {
    const button = document.querySelector("[data-fw-menu]");
    if (!button) return;
    document.body.classList.toggle("fw-menu-open", open);
    button.setAttribute("aria-expanded", String(open));
    if (open) document.querySelector("#fw-side a")?.focus();
  }

  document.addEventListener("click", (event) => {
    const theme = event.target.closest("[data-fw-theme]");
    if (theme) {
      window.flywheelTheme.choose(theme.dataset.fwTheme);
      markTheme();
    }
    if (event.target.closest("[data-fw-menu]")) {
      setMenu(!document.body.classList.contains("fw-menu-open"));
    } else if (document.body.classList.contains("fw-menu-open") && !event.target.closest("#fw-side")) {
      setMenu(false);
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.body.classList.contains("fw-menu-open")) {
      setMenu(false);
      document.querySelector("[data-fw-menu]").focus();
    }
  });

  /* Tables wider than the screen start at their newest column, right of the one that stays. */
  function showNewest() {
    for (const newest of document.querySelectorAll("[data-fw-newest]")) {
      const fixed = newest.parentElement.firstElementChild;
      newest.closest(".fw-scroll").scrollLeft = newest.offsetLeft - fixed.offsetWidth;
    }
  }

  document.addEventListener("htmx:after:swap", showNewest);
  showNewest();
  markTheme();
})();
