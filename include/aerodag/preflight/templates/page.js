"use strict";
(() => {
  const map = document.querySelector("svg.map");
  if (!map) return;
  const frame = map.parentElement, bar = frame.querySelector(".scale"), label = bar.querySelector("span");
  const [, , fullWidth, fullHeight] = map.getAttribute("viewBox").split(" ").map(Number);
  const metresPerUnit = Number(map.dataset.metresPerUnit);
  let x = 0, y = 0, zoom = 1, held = null;

  const round = (metres) => {
    const power = 10 ** Math.floor(Math.log10(metres));
    return [5, 2, 1].map((step) => step * power).find((step) => step <= metres * 1.000000001);
  };
  const show = () => {
    const width = fullWidth / zoom, height = fullHeight / zoom;
    x = Math.min(Math.max(x, 0), fullWidth - width);
    y = Math.min(Math.max(y, 0), fullHeight - height);
    map.setAttribute("viewBox", `${x} ${y} ${width} ${height}`);
    const metres = round((width / 4) * metresPerUnit);
    bar.style.width = `${(100 * metres) / metresPerUnit / width}%`;
    label.textContent = metres >= 1000 ? `${metres / 1000} km` : metres >= 1 ? `${metres} m` : `${metres * 100} cm`;
    map.classList.toggle("zoomed", zoom > 1);
  };
  const zoomBy = (factor, atX = 0.5, atY = 0.5) => {
    const before = zoom;
    zoom = Math.min(Math.max(zoom * factor, 1), 64);
    x += atX * (fullWidth / before - fullWidth / zoom);
    y += atY * (fullHeight / before - fullHeight / zoom);
    show();
  };

  const buttons = frame.querySelector(".zoom");
  buttons.hidden = false;
  buttons.addEventListener("click", (event) => {
    const factor = event.target.dataset.factor;
    if (factor) zoomBy(Number(factor));
  });
  map.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const box = map.getBoundingClientRect();
    zoomBy(event.deltaY < 0 ? 1.25 : 0.8, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  }, { passive: false });
  map.addEventListener("pointerdown", (event) => { if (zoom > 1) held = [event.clientX, event.clientY]; });
  window.addEventListener("pointerup", () => { held = null; });
  map.addEventListener("pointermove", (event) => {
    if (!held) return;
    const unit = fullWidth / zoom / map.getBoundingClientRect().width;
    x -= (event.clientX - held[0]) * unit;
    y -= (event.clientY - held[1]) * unit;
    held = [event.clientX, event.clientY];
    show();
  });
})();
