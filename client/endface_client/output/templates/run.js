"use strict";
const main = document.querySelector("main");
const cards = [...main.querySelectorAll("article")];
const search = document.querySelector("[type=search]");
const order = document.querySelector("select");
const tiles = [...document.querySelectorAll("[data-show]")];
const badness = { error: 0, fail: 1, invalid: 2, pass: 3 };
let show = "";

function update() {
  const wanted = search.value.trim().toLowerCase();
  let shown = 0;
  for (const card of cards) {
    const fits = !show || card.dataset.word === show || (show === "borderline" && card.dataset.borderline === "yes");
    const found = !wanted || card.querySelector("h2").title.toLowerCase().includes(wanted) || card.querySelector(".tags")?.textContent.toLowerCase().includes(wanted);
    card.hidden = !(fits && found);
    shown += !card.hidden;
  }
  document.querySelector(".shown").textContent = `${shown} of ${cards.length} shown`;
  document.querySelector(".none").hidden = shown > 0;
  for (const tile of tiles) tile.setAttribute("aria-pressed", tile.dataset.show === show);
}

const orders = {
  run: (a, b) => a.dataset.order - b.dataset.order,
  worst: (a, b) => badness[a.dataset.word] - badness[b.dataset.word] || b.dataset.defects - a.dataset.defects,
  defects: (a, b) => b.dataset.defects - a.dataset.defects,
  name: (a, b) => a.dataset.name.localeCompare(b.dataset.name, undefined, { numeric: true }),
};

search.addEventListener("input", update);
order.addEventListener("change", () => main.prepend(...[...cards].sort(orders[order.value])));
for (const tile of tiles) tile.addEventListener("click", () => { show = show === tile.dataset.show ? "" : tile.dataset.show; update(); });

// A defect and its row in the table light up together.
for (const card of cards) {
  const light = (event, on) => {
    const id = event.target.closest("[data-id]")?.dataset.id;
    if (id) for (const part of card.querySelectorAll(`[data-id="${id}"]`)) part.classList.toggle("lit", on);
  };
  card.addEventListener("mouseover", (event) => light(event, true));
  card.addEventListener("mouseout", (event) => light(event, false));
}

const marks = document.querySelector("#marks");
const setMarks = () => document.body.classList.toggle("bare", !marks.checked);
marks.addEventListener("change", setMarks);

const light = document.querySelector("#light");
light.addEventListener("input", () => document.body.style.setProperty("--light", light.value));

// On paper the tables of the defects are open.
const tables = [...document.querySelectorAll(".defects:not([open])")];
addEventListener("beforeprint", () => tables.forEach((table) => { table.open = true; }));
addEventListener("afterprint", () => tables.forEach((table) => { table.open = false; }));

// One picture alone, to zoom and move.
const dialog = document.querySelector("dialog");
let open = null, face = null, box = [], drag = null;
const setBox = (values) => { box = values; face.setAttribute("viewBox", box.join(" ")); };
const whole = () => open.querySelector(".photo svg").dataset.whole.split(" ").map(Number);
const close = () => open.querySelector(".photo svg").getAttribute("viewBox").split(" ").map(Number);

function enlarge(card) {
  open = card;
  face?.remove();
  face = card.querySelector(".photo svg").cloneNode(true);
  dialog.append(face);
  dialog.querySelector("b").textContent = `${card.dataset.word.toUpperCase()}  ${card.dataset.name}`;
  setBox(close());
  if (!dialog.open) dialog.showModal();
}

main.addEventListener("click", (event) => {
  const svg = event.target.closest(".photo svg");
  if (svg) enlarge(svg.closest("article"));
});
dialog.addEventListener("wheel", (event) => {
  event.preventDefault();
  const by = event.deltaY > 0 ? 1.2 : 1 / 1.2;
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(face.getScreenCTM().inverse());
  setBox([at.x - (at.x - box[0]) * by, at.y - (at.y - box[1]) * by, box[2] * by, box[3] * by]);
}, { passive: false });
dialog.addEventListener("pointerdown", (event) => { drag = [event.clientX, event.clientY, ...box]; });
dialog.addEventListener("pointermove", (event) => {
  if (!drag || !event.buttons) return;
  const perPixel = 1 / face.getScreenCTM().a;
  setBox([drag[2] - (event.clientX - drag[0]) * perPixel, drag[3] - (event.clientY - drag[1]) * perPixel, drag[4], drag[5]]);
});
dialog.addEventListener("dblclick", () => setBox(box.join() === whole().join() ? close() : whole()));
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

document.addEventListener("keydown", (event) => {
  if (event.target.matches("[type=search]")) return;
  if (event.key === "m" || event.key === "M") { marks.checked = !marks.checked; setMarks(); }
  if (!dialog.open || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  const row = [...main.querySelectorAll("article:not([hidden])")].filter((card) => card.querySelector(".photo svg"));
  const next = row[row.indexOf(open) + (event.key === "ArrowRight" ? 1 : -1)];
  if (next) enlarge(next);
});
update();
