/* The picture of a row. If it is missing or broken, a note replaces it; the row can still be answered or skipped. */
import { make, nameRow } from "./elements.js";

export function makePicture(row, size) {
  const picture = make("img", { class: "picture", src: `/image/${row}?size=${size}`, alt: `Picture of ${nameRow(row)}` });
  picture.addEventListener("error", () => {
    picture.replaceWith(make("p", { class: "picture missing" }, "The picture is missing or cannot be shown."));
  });
  return picture;
}
