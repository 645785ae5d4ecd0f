// One case: look at the marks, correct them, say what is right.
import { Marks } from "./marks.js";
import { opinions } from "./opinions.js";
import { Stage, distance, line, path, round, svg } from "./stage.js";

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const stage = byId("stage") && new Stage(byId("stage"), data.size); // none where the picture cannot be shown
const radius = byId("radius");
const HANDLE_PX = 12; // on the screen: how near to its first corner a click closes a polygon

const marks = new Marks(data.marks, show);
let tool = "select", draft = null, cursor = null;
const give = opinions(data, marks, () => draft !== null);
const others = new Map(); // what is shown beside them, by the button that shows it

const chosenType = () => document.querySelector("[name=type]:checked").value;

// ---- what is seen

function show() {
  if (stage) {
    const group = byId("marks");
    group.replaceChildren();
    marks.list.forEach((mark, place) => {
      path(mark, group, place === marks.selected ? "selected" : "").dataset.place = place;
    });
    byId("others").replaceChildren();
    for (const each of others.values()) each.forEach((mark) => path(mark, byId("others")));
  }
  byId("list").replaceChildren(...marks.list.map(row));
  byId("no-marks").hidden = marks.list.length > 0;
  byId("undo").disabled = !marks.canUndo;
  byId("redo").disabled = !marks.canRedo;
  byId("reset").disabled = !marks.differFrom(data.reported);
  if (stage) showDraft();
}

function row(mark, place) {
  const item = document.createElement("li"), name = document.createElement("button");
  const type = document.createElement("select"), remove = document.createElement("button");
  const original = data.marks.indexOf(mark);
  item.className = `${mark.type} ${place === marks.selected ? "selected" : ""}`;
  name.type = remove.type = "button";
  name.textContent = `${place + 1}  ${data.measures[original] || (original < 0 ? "drawn or changed" : "drawn before")}`;
  name.title = "number, size, innermost zone, confidence";
  name.setAttribute("aria-pressed", place === marks.selected);
  name.addEventListener("click", () => select(place));
  type.setAttribute("aria-label", `Type of mark ${place + 1}`);
  type.append(...data.types.map((each) => new Option(each, each, false, each === mark.type)));
  type.addEventListener("change", () => marks.retype(place, type.value));
  remove.textContent = "×";
  remove.className = "delete";
  remove.setAttribute("aria-label", `Delete mark ${place + 1}`);
  remove.addEventListener("click", () => marks.drop(place));
  item.append(name, type, remove);
  return item;
}

function showDraft() {
  const group = byId("draft"), brush = Number(radius.value);
  group.replaceChildren();
  if (draft && tool === "brush")
    svg("path", { class: `stroke ${chosenType()}`, d: line(draft), "stroke-width": 2 * brush }, group);
  if (draft && tool === "polygon") {
    svg("path", { class: chosenType(), d: line(cursor ? draft.concat([cursor]) : draft) }, group);
    svg("circle", { cx: draft[0][0], cy: draft[0][1], r: HANDLE_PX / 2 / stage.scale }, group);
  }
  if (cursor && tool !== "select")
    svg("circle", { id: "cursor", cx: cursor[0], cy: cursor[1], r: tool === "brush" ? brush : 3 / stage.scale }, group);
}

// ---- what changes the marks

const undo = () => (draft ? dropCorner() : marks.undo());
const redo = () => marks.redo();
function dropCorner() {
  draft = draft.length > 1 ? draft.slice(0, -1) : null;
  showDraft();
}
const check = (type) => (document.querySelector(`[name=type][value=${type}]`).checked = true);
function select(place) {
  marks.selected = place === marks.selected ? -1 : place;
  if (marks.selected >= 0) check(marks.list[marks.selected].type);
  show();
}
function choose(type) {
  check(type);
  if (marks.selected >= 0) marks.retype(marks.selected, type);
  else if (stage) showDraft();
}

// ---- tools on the picture

function use(name) {
  tool = name;
  draft = null;
  if (!stage) return;
  if (name !== "select") marks.selected = -1; // a type that is chosen now is the next mark's
  stage.element.classList.toggle("draws", name !== "select");
  document.querySelectorAll("[data-tool]").forEach((each) => each.setAttribute("aria-pressed", each.dataset.tool === name));
  show();
}
function brushEnds() {
  const stroke = draft, type = chosenType();
  draft = null;
  if (stroke) marks.add({ type, stroke, radius_px: Number(radius.value) });
}
function polygonCorner(point) {
  if (draft && draft.length > 2 && distance(draft[0], point) * stage.scale < HANDLE_PX) return polygonEnds();
  draft = (draft || []).concat([point]);
  showDraft();
}
function polygonEnds() {
  const ring = draft, type = chosenType();
  if (!ring || ring.length < 3) return;
  draft = null;
  marks.add({ type, rings: [ring] });
}
function zoom(factor, point) {
  stage?.zoom(factor, point);
  if (stage) showDraft();
}

let dragged = null;
function pointerDown(event) {
  stage.element.setPointerCapture(event.pointerId);
  const moves = event.button === 1 || event.shiftKey;
  if (event.button > 1) return;
  if (tool === "brush" && !moves) draft = [stage.at(event)];
  else if (tool === "polygon" && !moves) polygonCorner(stage.at(event));
  else dragged = { x: event.clientX, y: event.clientY, place: event.target.dataset.place, moved: false };
  showDraft();
}
function pointerMove(event) {
  cursor = stage.at(event);
  if (tool === "brush" && draft && distance(draft.at(-1), cursor) * stage.scale > 2) draft.push(cursor);
  if (dragged) {
    const dx = event.clientX - dragged.x, dy = event.clientY - dragged.y;
    dragged.moved ||= Math.hypot(dx, dy) > 4;
    if (dragged.moved) {
      stage.pan(-dx / stage.scale, -dy / stage.scale);
      Object.assign(dragged, { x: event.clientX, y: event.clientY });
    }
  }
  showDraft();
}
function pointerUp() {
  if (tool === "brush" && draft) brushEnds();
  if (dragged && !dragged.moved) select(dragged.place === undefined ? marks.selected : Number(dragged.place));
  dragged = null;
}
function stageKey(event) {
  const step = (event.shiftKey ? 10 : 1) * (tool === "select" ? 10 : 2) / stage.scale;
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] || [0, 0];
  if (dx || dy) {
    if (tool === "select") stage.pan(dx * step, dy * step);
    else {
      const [x, y] = cursor || stage.middle;
      cursor = [round(x + dx * step), round(y + dy * step)];
      showDraft();
    }
  } else if (event.key === "Enter" && tool !== "select") {
    cursor ||= stage.middle.map(round);
    if (tool === "polygon") polygonCorner(cursor);
    else {
      draft = [cursor];
      brushEnds();
    }
  } else if (event.key.toLowerCase() === "c") polygonEnds();
  else return;
  event.preventDefault();
}

// ---- keys and buttons

const KEYS = {
  r: () => give("right"), w: () => give("wrong"), n: () => give("not_judgeable"),
  v: () => use("select"), b: () => use("brush"), p: () => use("polygon"), Escape: () => use("select"),
  u: undo, y: redo, h: () => byId("bare").click(),
  Delete: () => marks.selected >= 0 && marks.drop(marks.selected), Backspace: () => marks.selected >= 0 && marks.drop(marks.selected),
  j: () => data.next && location.assign(data.next), k: () => data.previous && location.assign(data.previous),
  "+": () => zoom(0.8), "=": () => zoom(0.8), "-": () => zoom(1.25),
  0: () => stage?.see(data.view),
  "[": () => resize(0.8), "]": () => resize(1.25),
};
data.types.forEach((type, number) => (KEYS[number + 1] = () => choose(type)));

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.target.matches("textarea, select, input:not([type=range], [type=radio])")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey) {
    if (key === "z") event.shiftKey ? redo() : undo();
    else if (key === "y") redo();
    else return;
  } else if (KEYS[key]) KEYS[key]();
  else return;
  event.preventDefault();
});
function resize(factor) {
  radius.value = Number(radius.value) * factor;
  radius.dispatchEvent(new Event("input"));
}
radius.addEventListener("input", () => {
  const um = data.um_per_px ? `${round(2 * radius.value * data.um_per_px[0])} µm` : `${2 * radius.value} px`;
  byId("radius-um").textContent = um;
  if (stage) showDraft();
});
byId("contrast").addEventListener("input", (event) => stage?.element.style.setProperty("--contrast", event.target.value));
document.querySelectorAll("[data-tool]").forEach((each) => each.addEventListener("click", () => use(each.dataset.tool)));
document.querySelectorAll("[name=type]").forEach((each) => each.addEventListener("change", () => choose(each.value)));
byId("undo").addEventListener("click", undo);
byId("redo").addEventListener("click", redo);
byId("reset").addEventListener("click", () => { marks.selected = -1; marks.change(data.reported); });
byId("bare").addEventListener("click", (event) => {
  const hides = document.body.classList.toggle("bare");
  event.currentTarget.setAttribute("aria-pressed", hides);
});
function beside(button, shown) {
  button.addEventListener("click", () => {
    if (!others.delete(button)) others.set(button, shown);
    button.setAttribute("aria-pressed", others.has(button));
    show();
  });
}
document.querySelectorAll("[data-other]").forEach((each) => beside(each, data.others[each.dataset.other].marks));
if (byId("candidate")) beside(byId("candidate"), data.candidate);
if (stage) {
  stage.element.addEventListener("pointerdown", pointerDown);
  stage.element.addEventListener("pointermove", pointerMove);
  stage.element.addEventListener("pointerup", pointerUp);
  stage.element.addEventListener("pointercancel", () => { draft = dragged = null; showDraft(); });
  stage.element.addEventListener("dblclick", polygonEnds);
  stage.element.addEventListener("keydown", stageKey);
  stage.element.addEventListener("wheel", (event) => { event.preventDefault(); zoom(event.deltaY > 0 ? 1.15 : 1 / 1.15, stage.at(event)); }, { passive: false });
}
radius.dispatchEvent(new Event("input"));
show();
