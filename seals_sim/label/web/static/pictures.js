/* The picture of a row. One that is missing or broken leaves a note, and its row can be answered or skipped like any. */
import { make } from "./elements.js";

export function makePicture(row, size) {
  const picture = make("img", { class: "picture", src: `/image/${row}?size=${size}`, alt: `Picture of row ${row}` });
  picture.addEventListener("error", () => {
    picture.replaceWith(make("p", { class: "picture missing" }, "The picture is missing or cannot be shown."));
  });
  return picture;
}
