/* Sets the colour mode before anything is painted. Loaded in the head without defer, so that no page flashes. */
(() => {
  "use strict";
  const KEY = "flywheel-theme";
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try {
      return localStorage.getItem(KEY) || "auto";
    } catch {
      return "auto";
    }
  }

  function apply() {
    const mode = chosen();
    const shown = mode === "auto" ? (dark.matches ? "dark" : "light") : mode;
    if (document.documentElement.dataset.bsTheme === shown) return;
    document.documentElement.dataset.bsTheme = shown;
    document.dispatchEvent(new CustomEvent("flywheel:theme", { detail: shown }));
  }

  window.flywheelTheme = {
    chosen,
    choose(mode) {
      try {
        localStorage.setItem(KEY, mode);
      } catch {
        /* a private window: the choice lasts as long as the page */
      }
      apply();
    },
  };
  dark.addEventListener("change", apply);
  apply();
})();
