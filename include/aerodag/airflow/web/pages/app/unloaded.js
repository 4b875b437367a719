// Says so where a part of the page could not be loaded; the page's own code could not. No module, for the same reason.
addEventListener(
  "error",
  ({ target }) => {
    if (!(target instanceof HTMLScriptElement)) return;
    const note = document.createElement("p");
    note.className = "unloaded";
    note.setAttribute("role", "alert");
    note.textContent = "A part of this page could not be loaded. ";
    const again = document.createElement("button");
    again.textContent = "Load it again";
    again.addEventListener("click", () => location.reload());
    note.append(again);
    document.body.prepend(note);
  },
  true,
);
