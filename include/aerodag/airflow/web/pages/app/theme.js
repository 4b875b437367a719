// Runs before anything is painted, so that a dark page never flashes white. No module, for those wait.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  /** Airflow's own document, where this page lies in a frame of it. */
  function airflow() {
    try {
      return window.parent === window ? null : window.parent.document.documentElement;
    } catch {
      return null;
    }
  }

  function wanted() {
    const host = airflow()?.classList;
    if (host?.contains("dark")) return "dark";
    if (host?.contains("light")) return "light";
    // Airflow keeps the choice of its user under this name.
    const chosen = localStorage.getItem("theme");
    if (chosen === "dark" || chosen === "light") return chosen;
    return system.matches ? "dark" : "light";
  }

  function follow() {
    const theme = wanted();
    if (root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    document.dispatchEvent(new Event("themechange"));
  }

  follow();
  system.addEventListener("change", follow);
  addEventListener("storage", follow);
  const host = airflow();
  if (host) new MutationObserver(follow).observe(host, { attributes: true, attributeFilter: ["class"] });
})();
