// The picture of a case on the screen: its shapes, and which part of it is seen.  Coordinates are the picture's own pixels.

export const round = (value) => Math.round(value * 10) / 10;
export const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
const outline = (rings) => rings.map((ring) => "M" + ring.map((p) => p.join(" ")).join("L") + "Z").join("");
export const line = (points) => "M" + points.concat([points.at(-1)]).map((p) => p.join(" ")).join("L");

export function svg(name, attributes, parent) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return parent.appendChild(element);
}

export function path(mark, parent, classes = "") {
  return mark.stroke
    ? svg("path", { class: `stroke ${mark.type} ${classes}`, d: line(mark.stroke), "stroke-width": 2 * mark.radius_px }, parent)
    : svg("path", { class: `${mark.type} ${classes}`, d: outline(mark.rings) }, parent);
}

export class Stage {
  constructor(element, size) {
    this.element = element;
    this.size = size;
  }

  get scale() { // pixels of the screen for one of the picture
    return this.element.getScreenCTM().a;
  }

  get middle() {
    const box = this.element.viewBox.baseVal;
    return [box.x + box.width / 2, box.y + box.height / 2];
  }

  at(event) {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.element.getScreenCTM().inverse());
    const inside = (value, side) => round(Math.min(Math.max(value, -0.5), side - 0.5));
    return [inside(point.x, this.size[0]), inside(point.y, this.size[1])];
  }

  zoom(factor, [x, y] = this.middle) {
    const box = this.element.viewBox.baseVal;
    const side = Math.min(Math.max(box.width * factor, 20), 4 * Math.max(...this.size)), by = side / box.width;
    this.see([x - (x - box.x) * by, y - (y - box.y) * by, side, side]);
  }

  pan(dx, dy) {
    const box = this.element.viewBox.baseVal;
    this.see([box.x + dx, box.y + dy, box.width, box.height]);
  }

  see(view) {
    this.element.setAttribute("viewBox", view.join(" "));
  }
}
