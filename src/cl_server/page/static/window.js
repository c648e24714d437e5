/* Draws only what is seen of a long list, as rows or as tiles of one height. */
import { html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";

const BEYOND = 4;

export function Windowed({ items, height, tile, draw, onEnd, label, current }) {
  const place = useRef();
  const [view, setView] = useState({ first: 0, rows: 20, columns: 1 });

  const measure = () => {
    if (!place.current) return;
    const box = place.current.getBoundingClientRect();
    const columns = tile ? Math.max(1, Math.floor(box.width / tile)) : 1;
    const first = Math.max(0, Math.floor(-box.top / height) - BEYOND);
    const rows = Math.ceil(innerHeight / height) + 2 * BEYOND;
    setView((old) => (old.first === first && old.rows === rows && old.columns === columns ? old : { first, rows, columns }));
  };
  useLayoutEffect(measure, [items.length, tile, height]);
  useEffect(() => {
    let asked = 0;
    const soon = () => {
      cancelAnimationFrame(asked);
      asked = requestAnimationFrame(measure);
    };
    addEventListener("scroll", soon, { passive: true });
    addEventListener("resize", soon);
    return () => {
      cancelAnimationFrame(asked);
      removeEventListener("scroll", soon);
      removeEventListener("resize", soon);
    };
  }, [tile, height]);

  const total = Math.ceil(items.length / view.columns);
  const last = Math.min(total, view.first + view.rows);
  useEffect(() => {
    if (last >= total - 2 * BEYOND) onEnd?.();
  }, [last, total, onEnd]);
  useEffect(() => {
    /* The row that the keyboard is at is brought into view. */
    const index = items.findIndex((item) => item.job_id === current);
    if (index < 0 || !place.current) return;
    const top = place.current.getBoundingClientRect().top + Math.floor(index / view.columns) * height;
    if (top < 120) scrollBy(0, top - 140);
    else if (top + height > innerHeight - 80) scrollBy(0, top + height - innerHeight + 100);
  }, [current]);

  const from = view.first * view.columns;
  const seen = items.slice(from, last * view.columns);
  return html`<ol
    ref=${place}
    class=${tile ? "tiles" : "rows"}
    aria-label=${label}
    style=${{ height: `${total * height}px`, "--columns": view.columns }}
  >
    ${seen.map((item, index) => {
      const number = from + index;
      const top = Math.floor(number / view.columns) * height;
      const left = ((number % view.columns) * 100) / view.columns;
      return html`<li
        key=${item.job_id}
        aria-setsize=${items.length}
        aria-posinset=${number + 1}
        style=${{ transform: `translateY(${top}px)`, left: `${left}%`, height: `${height}px`, width: `${100 / view.columns}%` }}
      >
        ${draw(item)}
      </li>`;
    })}
  </ol>`;
}
