/* Small pictures, for eyes alone: a word is always beside them or in the name of their button. */
import { html } from "./html.js";

const PATHS = {
  cancel: "M6 6l12 12M18 6L6 18",
  retry: "M4 12a8 8 0 1 0 2.6-5.9M4 4v4.5h4.5",
  trash: "M5 7h14M10 7V4.5h4V7M7 7l1 12.5h8L17 7",
  download: "M12 4v11M7.5 11L12 15.5 16.5 11M5 19.5h14",
  plus: "M12 5v14M5 12h14",
  list: "M4 7h16M4 12h16M4 17h16",
  grid: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5L20 20",
  file: "M7 3.5h7l4 4v13H7zM14 3.5v4h4",
  warn: "M12 4l9 16H3zM12 10v4M12 17v.5",
  check: "M5 12.5l4.5 4.5L19 7.5",
  user: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5",
  chevron: "M9 6l6 6-6 6",
  hash: "M9.5 4L7.5 20M16.5 4l-2 16M4.5 9h16M3.5 15h16",
  film: "M4 5h16v14H4zM8 5v14M16 5v14M4 9.5h4M4 14.5h4M16 9.5h4M16 14.5h4",
  face: "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM9 10v.5M15 10v.5M8.5 14.5c2 2.200 5 2.200 7 0",
  place: "M12 21c4-5 6.5-8 6.5-11a6.5 6.5 0 0 0-13 0c0 3 2.5 6 6.5 11zM12 12a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  vector: "M5 19L19 5M19 5h-6M19 5v6M5 5v14h14",
  upload: "M12 16V5M7.5 9L12 4.5 16.5 9M4 15v4.5h16V15",
};

export const Icon = ({ name }) => html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
  <path d=${PATHS[name]} />
</svg>`;
