/* The curve of positives against answers. */
import { formatNumber } from "./elements.js";

const SVG = "http://www.w3.org/2000/svg";

export function drawCurve(curve) {
  const most = Math.max(1, ...curve.slice(-1));
  const left = Math.max(34, 12 + 7 * formatNumber(most).length); // room for the number beside the axis
  const [width, height, bottom, top] = [250, 110, 18, 22];
  const x = (i) => left + ((width - left - 8) * i) / Math.max(1, curve.length);
  const y = (n) => height - bottom - ((height - bottom - top) * n) / most;
  const step = Math.max(1, Math.ceil(curve.length / 250));
  const places = [...curve.keys()].filter((i) => i % step === 0 || i === curve.length - 1);
  const points = [[x(0), y(0)], ...places.map((i) => [x(i + 1), y(curve[i])])];
  const draw = (tag, attributes, words = "") => {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.textContent = words;
    return element;
  };
  const svg = draw("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img" });
  svg.setAttribute("aria-label", `Positives in the answers to the search: ${curve.at(-1) ?? 0} of ${curve.length}`);
  svg.append(
    draw("path", { class: "axis", d: `M${left},${top}V${height - bottom}H${width - 8}` }),
    draw("polyline", { class: "line", points: points.map((point) => point.map((c) => c.toFixed(1)).join(",")).join(" ") }),
    draw("text", { x: left - 4, y: top + 6, "text-anchor": "end" }, formatNumber(most)),
    draw("text", { x: left - 4, y: height - bottom, "text-anchor": "end" }, "0"),
    draw("text", { x: width - 8, y: height - 4, "text-anchor": "end" }, `${formatNumber(curve.length)} answers to the search`),
    draw("text", { x: left, y: 11 }, "positives"),
  );
  return svg;
}
