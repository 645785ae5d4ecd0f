// One case: look at the marks, correct them, say what is right.  Coordinates are the picture's own pixels.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const stage = byId("stage"), status = byId("status"), radius = byId("radius");
  const HANDLE_PX = 12; // on the screen: how near to its first corner a click closes a polygon

  let marks = data.marks; // never changed in place, so that a former list is what undo goes back to
  let past = [], future = [], selected = -1, tool = "select", draft = null, cursor = null, sending = false, isKept = false;
  const others = new Map(); // what is shown beside them, by the button that shows it

  const svg = (name, attributes, parent) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return parent.appendChild(element);
  };
  const outline = (rings) => rings.map((ring) => "M" + ring.map((p) => p.join(" ")).join("L") + "Z").join("");
  const line = (points) => "M" + points.concat([points.at(-1)]).map((p) => p.join(" ")).join("L");
  const round = (value) => Math.round(value * 10) / 10;
  const chosenType = () => document.querySelector("[name=type]:checked").value;

  // ---- what is seen

  function path(mark, parent, classes = "") {
    return mark.stroke
      ? svg("path", { class: `stroke ${mark.type} ${classes}`, d: line(mark.stroke), "stroke-width": 2 * mark.radius_px }, parent)
      : svg("path", { class: `${mark.type} ${classes}`, d: outline(mark.rings) }, parent);
  }

  function show() {
    if (stage) {
      const group = byId("marks");
      group.replaceChildren();
      marks.forEach((mark, place) => {
        path(mark, group, place === selected ? "selected" : "").dataset.place = place;
      });
      byId("others").replaceChildren();
      for (const each of others.values()) each.forEach((mark) => path(mark, byId("others")));
    }
    byId("list").replaceChildren(...marks.map(row));
    byId("no-marks").hidden = marks.length > 0;
    byId("undo").disabled = !past.length;
    byId("redo").disabled = !future.length;
    byId("reset").disabled = JSON.stringify(marks) === JSON.stringify(data.reported);
    if (stage) showDraft();
  }

  function row(mark, place) {
    const item = document.createElement("li"), name = document.createElement("button");
    const type = document.createElement("select"), remove = document.createElement("button");
    const original = data.marks.indexOf(mark);
    item.className = `${mark.type} ${place === selected ? "selected" : ""}`;
    name.type = remove.type = "button";
    name.textContent = `${place + 1}  ${data.measures[original] || (original < 0 ? "drawn or changed" : "drawn before")}`;
    name.title = "number, size, innermost zone, confidence";
    name.setAttribute("aria-pressed", place === selected);
    name.addEventListener("click", () => select(place));
    type.setAttribute("aria-label", `Type of mark ${place + 1}`);
    type.append(...data.types.map((each) => new Option(each, each, false, each === mark.type)));
    type.addEventListener("change", () => retype(place, type.value));
    remove.textContent = "×";
    remove.className = "delete";
    remove.setAttribute("aria-label", `Delete mark ${place + 1}`);
    remove.addEventListener("click", () => drop(place));
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
      svg("circle", { cx: draft[0][0], cy: draft[0][1], r: HANDLE_PX / 2 / scale() }, group);
    }
    if (cursor && tool !== "select")
      svg("circle", { id: "cursor", cx: cursor[0], cy: cursor[1], r: tool === "brush" ? brush : 3 / scale() }, group);
  }

  // ---- what changes the marks

  function change(next) {
    past.push(marks);
    future = [];
    marks = next;
    show();
  }
  function go(from, to) {
    if (!from.length) return;
    to.push(marks);
    marks = from.pop();
    selected = -1;
    show();
  }
  const undo = () => (draft ? dropCorner() : go(past, future));
  const redo = () => go(future, past);
  function dropCorner() {
    draft = draft.length > 1 ? draft.slice(0, -1) : null;
    showDraft();
  }
  const add = (mark) => change(marks.concat([mark]));
  function drop(place) {
    selected = -1;
    change(marks.filter((_, each) => each !== place));
  }
  function retype(place, type) {
    if (marks[place].type !== type) change(marks.map((mark, each) => (each === place ? { ...mark, type } : mark)));
  }
  function select(place) {
    selected = place === selected ? -1 : place;
    if (selected >= 0) document.querySelector(`[name=type][value=${marks[selected].type}]`).checked = true;
    show();
  }
  function choose(type) {
    document.querySelector(`[name=type][value=${type}]`).checked = true;
    if (selected >= 0) retype(selected, type);
    else if (stage) showDraft();
  }

  // ---- tools on the picture

  function use(name) {
    tool = name;
    draft = null;
    if (!stage) return;
    if (name !== "select") selected = -1; // a type that is chosen now is the next mark's
    stage.classList.toggle("draws", name !== "select");
    document.querySelectorAll("[data-tool]").forEach((each) => each.setAttribute("aria-pressed", each.dataset.tool === name));
    show();
  }
  function brushEnds() {
    const stroke = draft, type = chosenType();
    draft = null;
    if (stroke) add({ type, stroke, radius_px: Number(radius.value) });
  }
  function polygonCorner(point) {
    if (draft && draft.length > 2 && distance(draft[0], point) * scale() < HANDLE_PX) return polygonEnds();
    draft = (draft || []).concat([point]);
    showDraft();
  }
  function polygonEnds() {
    const ring = draft, type = chosenType();
    if (!ring || ring.length < 3) return;
    draft = null;
    add({ type, rings: [ring] });
  }
  const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
  const scale = () => stage.getScreenCTM().a; // pixels of the screen for one of the picture
  function at(event) {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(stage.getScreenCTM().inverse());
    const inside = (value, side) => round(Math.min(Math.max(value, -0.5), side - 0.5));
    return [inside(point.x, data.size[0]), inside(point.y, data.size[1])];
  }
  function zoom(factor, point) {
    const box = stage.viewBox.baseVal, [x, y] = point || [box.x + box.width / 2, box.y + box.height / 2];
    const side = Math.min(Math.max(box.width * factor, 20), 4 * Math.max(...data.size)), by = side / box.width;
    stage.setAttribute("viewBox", [x - (x - box.x) * by, y - (y - box.y) * by, side, side].join(" "));
    showDraft();
  }
  function pan(dx, dy) {
    const box = stage.viewBox.baseVal;
    stage.setAttribute("viewBox", [box.x + dx, box.y + dy, box.width, box.height].join(" "));
  }

  let dragged = null;
  function pointerDown(event) {
    stage.setPointerCapture(event.pointerId);
    const moves = event.button === 1 || event.shiftKey;
    if (event.button > 1) return;
    if (tool === "brush" && !moves) draft = [at(event)];
    else if (tool === "polygon" && !moves) polygonCorner(at(event));
    else dragged = { x: event.clientX, y: event.clientY, place: event.target.dataset.place, moved: false };
    showDraft();
  }
  function pointerMove(event) {
    cursor = at(event);
    if (tool === "brush" && draft && distance(draft.at(-1), cursor) * scale() > 2) draft.push(cursor);
    if (dragged) {
      const dx = event.clientX - dragged.x, dy = event.clientY - dragged.y;
      dragged.moved ||= Math.hypot(dx, dy) > 4;
      if (dragged.moved) {
        pan(-dx / scale(), -dy / scale());
        Object.assign(dragged, { x: event.clientX, y: event.clientY });
      }
    }
    showDraft();
  }
  function pointerUp() {
    if (tool === "brush" && draft) brushEnds();
    if (dragged && !dragged.moved) select(dragged.place === undefined ? selected : Number(dragged.place));
    dragged = null;
  }
  function stageKey(event) {
    const step = (event.shiftKey ? 10 : 1) * (tool === "select" ? 10 : 2) / scale();
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] || [0, 0];
    const box = stage.viewBox.baseVal;
    if (dx || dy) {
      if (tool === "select") pan(dx * step, dy * step);
      else {
        const [x, y] = cursor || [box.x + box.width / 2, box.y + box.height / 2];
        cursor = [round(x + dx * step), round(y + dy * step)];
        showDraft();
      }
    } else if (event.key === "Enter" && tool !== "select") {
      cursor ||= [round(box.x + box.width / 2), round(box.y + box.height / 2)];
      if (tool === "polygon") polygonCorner(cursor);
      else {
        draft = [cursor];
        brushEnds();
      }
    } else if (event.key.toLowerCase() === "c") polygonEnds();
    else return;
    event.preventDefault();
  }

  // ---- the opinion

  async function give(opinion) {
    const button = document.querySelector(`[data-opinion=${opinion}]`);
    if (button.disabled || sending) return;
    const corrected = JSON.stringify(marks) !== JSON.stringify(data.reported);
    const silent = opinion === "not_judgeable" || (opinion === "wrong" && !corrected);
    sending = true;
    status.textContent = "Sending";
    try {
      const answer = await fetch(data.post, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ opinion, marks: silent ? null : marks, note: byId("note").value.trim() }),
      });
      const said = await answer.json();
      if (!answer.ok) throw new Error(said.error);
      isKept = true;
      if (said.standing === "conflict") location.reload();
      else location.assign(said.next);
    } catch (error) {
      status.textContent = `The review was not kept: ${error.message} Try again.`;
      sending = false;
    }
  }

  // ---- what is not kept yet

  const isUnsaved = () => !isKept && (draft !== null || JSON.stringify(marks) !== JSON.stringify(data.marks) || byId("note").value.trim() !== "");

  window.addEventListener("beforeunload", (event) => isUnsaved() && event.preventDefault());

  document.querySelector(".who").addEventListener("submit", async (event) => {
    if (!isUnsaved()) return; // the page that loads shows what this person has said before
    event.preventDefault();
    const form = event.target, name = form.elements.reviewer.value.trim();
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual" });
      if (answer.type !== "opaqueredirect") throw new Error(await answer.text());
      document.querySelectorAll("[data-opinion]").forEach((each) => (each.disabled = !name));
      byId("unnamed").hidden = name !== "";
      status.textContent = name ? `You review as ${name}.` : "";
      document.activeElement.blur(); // the keys are the case's again
    } catch (error) {
      status.textContent = `The name was not taken: ${error.message} Try again.`;
    }
  });

  // ---- keys and buttons

  const KEYS = {
    r: () => give("right"), w: () => give("wrong"), n: () => give("not_judgeable"),
    v: () => use("select"), b: () => use("brush"), p: () => use("polygon"), Escape: () => use("select"),
    u: undo, y: redo, h: () => byId("bare").click(),
    Delete: () => selected >= 0 && drop(selected), Backspace: () => selected >= 0 && drop(selected),
    j: () => data.next && location.assign(data.next), k: () => data.previous && location.assign(data.previous),
    "+": () => stage && zoom(0.8), "=": () => stage && zoom(0.8), "-": () => stage && zoom(1.25),
    0: () => stage && stage.setAttribute("viewBox", data.view.join(" ")),
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
  byId("contrast").addEventListener("input", (event) => stage && stage.style.setProperty("--contrast", event.target.value));
  document.querySelectorAll("[data-tool]").forEach((each) => each.addEventListener("click", () => use(each.dataset.tool)));
  document.querySelectorAll("[name=type]").forEach((each) => each.addEventListener("change", () => choose(each.value)));
  document.querySelectorAll("[data-opinion]").forEach((each) => each.addEventListener("click", () => give(each.dataset.opinion)));
  byId("undo").addEventListener("click", undo);
  byId("redo").addEventListener("click", redo);
  byId("reset").addEventListener("click", () => { selected = -1; change(data.reported); });
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
    stage.addEventListener("pointerdown", pointerDown);
    stage.addEventListener("pointermove", pointerMove);
    stage.addEventListener("pointerup", pointerUp);
    stage.addEventListener("pointercancel", () => { draft = dragged = null; showDraft(); });
    stage.addEventListener("dblclick", polygonEnds);
    stage.addEventListener("keydown", stageKey);
    stage.addEventListener("wheel", (event) => { event.preventDefault(); zoom(event.deltaY > 0 ? 1.15 : 1 / 1.15, at(event)); }, { passive: false });
  }
  radius.dispatchEvent(new Event("input"));
  show();
})();
