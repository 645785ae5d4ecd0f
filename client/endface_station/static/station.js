// The page of a station: it shows what the server renders, and sends what the operator does.  It keeps nothing but a
// serial number that the station has not got yet; that outlives a reload.
"use strict";

const byId = (id) => document.getElementById(id);
const serial = byId("serial");
const SILENT_MS = 12000; // the station says something every five seconds
const SCAN_GAP_MS = 100; // a scanner types faster than any person
const PAUSE_MS = 1000; // what stood in the field for so long before a scan is no part of it
const SHORTEST_SCAN = 4;
const QUIET_MS = 300; // a scan whose beginning a page that loads has missed is dropped as a whole

// ---- what comes from the station

let heard = Date.now();

function show(regions) {
  for (const [id, html] of Object.entries(regions)) {
    const element = byId(id);
    const focused = element.contains(document.activeElement) ? document.activeElement.id : "";
    element.innerHTML = html; // every text in it was escaped where it was rendered
    if (focused) byId(focused)?.focus();
  }
}

function sayLost(lost) {
  const alarm = byId("lost");
  if (alarm.hidden === !lost) return;
  alarm.hidden = !lost;
  alarm.textContent = lost ? alarm.dataset.text : "";
  document.body.classList.toggle("old", lost);
  byId("status").hidden = lost; // nobody knows the server's state then
  byId("unknown").hidden = !lost;
}

function listen() {
  const events = new EventSource("/events");
  events.addEventListener("regions", (event) => {
    heard = Date.now();
    sayLost(false);
    show(JSON.parse(event.data));
    sendPending();
  });
  events.addEventListener("error", () => {
    sayLost(true);
    if (events.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    setTimeout(async () => {
      const answer = await fetch("/state").catch(() => null);
      if (answer?.status === 401) location.assign("/login");
      else listen();
    }, 2000);
  });
  return events;
}

setInterval(() => {
  if (Date.now() - heard > SILENT_MS) sayLost(true);
}, 2000);

// ---- what goes to the station

async function reach(path, options) {
  try {
    return await fetch(path, { method: "POST", ...options });
  } catch {
    sayLost(true);
    return null;
  }
}

async function sayRefusal(answer) {
  if (answer?.status === 401) location.assign("/login");
  const said = !answer ? byId("refusal").dataset.text : answer.ok ? "" : await answer.text();
  byId("refusal").textContent = said;
  byId("refusal").hidden = !said;
  return !said;
}

async function send(path, options = {}) {
  await sendPending(); // nothing is done to an older part meanwhile
  return sayRefusal(pending ? null : await reach(path, options)); // whether it was done
}

const PENDING = "endface-pending";
let pending = sessionStorage.getItem(PENDING) ?? ""; // a serial number that the station has not got
let isBeginning = null;

function begin(value) {
  keepPending(value);
  return sendPending();
}

function keepPending(value) {
  pending = value;
  sessionStorage.setItem(PENDING, value);
}

function sendPending() {
  if (pending) isBeginning ??= beginPending().finally(() => (isBeginning = null));
  return isBeginning;
}

async function beginPending() {
  while (pending) {
    const value = pending;
    const answer = await reach("/begin", { body: new URLSearchParams({ serial: value }) });
    const isSettled = answer?.ok || answer?.status === 422; // begun, or no serial number; else it is sent again
    if (isSettled && pending === value) keepPending("");
    sayPending();
    if (answer) await sayRefusal(answer);
    if (!isSettled) return;
  }
}

function sayPending() {
  const line = byId("pending");
  line.hidden = !pending;
  line.textContent = pending && line.dataset.text.replace("{serial}", () => pending);
}

const post = (path, values = {}) => send(path, { body: new URLSearchParams(values) });

async function upload(files) {
  const goesOn = files.length > 1; // each is of another fiber, whatever the verdicts
  for (const file of files) { // one after another: their order is that of the fibers
    const query = new URLSearchParams({ name: file.name, goes_on: goesOn });
    const headers = { "Content-Type": file.type || "application/octet-stream" };
    if (!await send(`/pictures?${query}`, { body: file, headers })) return; // else the later ones show the wrong fibers
  }
}

// ---- the serial number: typed, or scanned wherever the focus is

let typed = ""; // since the last pause
let isFast = true; // as a scanner
let lastKeyAt = -PAUSE_MS;

function takeKey(event) {
  const gap = event.timeStamp - lastKeyAt;
  lastKeyAt = event.timeStamp;
  if (gap >= PAUSE_MS) [typed, isFast] = ["", true];
  else if (gap > SCAN_GAP_MS) isFast = false;
  typed += event.key;
  if (document.activeElement !== serial) {
    serial.value = "";
    serial.focus(); // the key itself arrives there
  }
}

byId("scan").addEventListener("submit", async (event) => {
  event.preventDefault();
  const isScan = isFast && typed.length >= SHORTEST_SCAN && serial.value.endsWith(typed);
  const value = isScan ? typed : serial.value;
  typed = "";
  isFast = true;
  serial.value = "";
  if (value.trim()) await begin(value);
  else serial.focus();
});

// ---- keys and buttons

const KEYS = {
  F2: () => { serial.focus(); serial.select(); },
  F4: () => byId("capture")?.click(),
  F6: () => byId("live")?.click(),
  F8: () => byId("choose").click(),
  F9: () => byId("finish").click(),
};

let isReady = false;
let waiting = setTimeout(becomeReady, QUIET_MS);

function becomeReady() {
  isReady = true;
  serial.disabled = false;
  serial.focus();
  document.body.classList.add("ready");
}

document.addEventListener("keydown", (event) => {
  if (!isReady) {
    event.preventDefault();
    clearTimeout(waiting);
    waiting = setTimeout(becomeReady, QUIET_MS);
  } else if (KEYS[event.key]) {
    event.preventDefault();
    if (!event.repeat) KEYS[event.key]();
  } else if (event.key.length === 1 && !event.ctrlKey && !event.altKey && !event.metaKey) {
    const pressesButton = event.key === " " && document.activeElement?.closest("button, select");
    if (!pressesButton) takeKey(event);
  } else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && chooses()) {
    event.preventDefault();
    step(event.key === "ArrowRight" ? 1 : -1);
  }
}, true);

// In an empty field there is nothing to walk through, and a scanner sends no arrows.
const chooses = () => (document.activeElement === serial ? !serial.value : !document.activeElement?.matches("input, select"));

function step(by) {
  const faces = [...document.querySelectorAll("#part button")];
  const at = faces.indexOf(document.activeElement);
  const from = at >= 0 ? at : faces.findIndex((face) => face.classList.contains("shown"));
  faces[Math.min(Math.max(from + by, 0), faces.length - 1)]?.focus();
}

byId("count").addEventListener("change", (event) => post("/count", { fibers: event.target.value }));
byId("part").addEventListener("click", (event) => {
  const face = event.target.closest("button[data-fiber]");
  if (face) post("/select", { fiber: face.dataset.fiber });
});
byId("finish").addEventListener("click", () => post("/finish"));
let isCapturing = false;
byId("capture")?.addEventListener("click", async () => {
  if (isCapturing) return; // a key that is pressed twice takes one picture
  isCapturing = true;
  await send("/capture");
  isCapturing = false;
});
byId("choose").addEventListener("click", () => byId("files").click());
byId("files").addEventListener("change", async (event) => {
  await upload([...event.target.files]);
  event.target.value = "";
});

// ---- what the camera sees

const LIVE_EVERY_MS = 200;

function watchCamera(live) {
  const image = live.querySelector("img");
  let count = 0;
  const next = () => {
    if (document.hidden) setTimeout(next, 1000);
    else image.src = `/live.jpg?${count++}`;
  };
  image.addEventListener("load", () => setTimeout(next, LIVE_EVERY_MS));
  image.addEventListener("error", () => setTimeout(next, 2000));
  live.addEventListener("click", () => live.classList.toggle("big"));
  byId("capture").addEventListener("click", () => live.classList.remove("big"));
  next();
}
if (byId("live")) watchCamera(byId("live"));

// ---- pictures that are dropped

let over = 0;

const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
document.addEventListener("dragenter", (event) => {
  if (hasFiles(event)) byId("drop").hidden = ++over === 0;
});
document.addEventListener("dragleave", (event) => {
  if (hasFiles(event)) byId("drop").hidden = --over <= 0;
});
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  over = 0;
  byId("drop").hidden = true;
  upload([...event.dataTransfer.files]);
});

// ---- light or dark

const THEME = "endface-theme";
const isDark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark")) === "dark";
if (localStorage.getItem(THEME)) document.documentElement.dataset.theme = localStorage.getItem(THEME);
byId("theme").addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  localStorage.setItem(THEME, document.documentElement.dataset.theme);
});

sayPending();
listen();
