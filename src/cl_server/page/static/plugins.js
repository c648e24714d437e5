/* What the server can do, from its OpenAPI document: a form for each task. */
import { get } from "./api.js";

const OURS = new Set(["file", "priority"]);
let known = null;

export function plugins() {
  known ??= get("openapi.json").then(read);
  known.catch(() => (known = null));
  return known;
}

function read(document) {
  const found = [];
  for (const [path, item] of Object.entries(document.paths)) {
    const [, task] = /^\/jobs\/(\w+)$/.exec(path) ?? [];
    const body = item.post?.requestBody?.content?.["multipart/form-data"]?.schema;
    if (!task || !body) continue;
    const schema = body.$ref ? document.components.schemas[body.$ref.split("/").pop()] : body;
    if (!schema?.properties?.file) continue;
    const required = new Set(schema.required);
    const fields = Object.entries(schema.properties)
      .filter(([name]) => !OURS.has(name))
      .map(([name, property]) => fieldOf(name, property, required.has(name)));
    found.push({ task, text: item.post.description ?? item.post.summary, file: schema.properties.file.description, fields });
  }
  return found.sort((a, b) => a.task.localeCompare(b.task));
}

/* A parameter as an input of a form: of `anyOf` with null, the other one. */
function fieldOf(name, property, required) {
  const schema = { ...property, ...(property.anyOf?.find((each) => each.type !== "null") ?? {}) };
  return {
    name,
    required,
    text: property.description ?? "",
    kind: schema.enum ? "choice" : schema.type,
    choices: schema.enum,
    least: schema.minimum,
    most: schema.maximum,
    longest: schema.maxLength,
    pattern: schema.pattern,
    initial: property.default ?? null,
  };
}

/* A value as a form sends it; `undefined` for what is left to the server. */
export function sent(field, value) {
  if (value === "" || value === null || value === undefined) return undefined;
  return String(value);
}

export function initial(field) {
  if (field.initial === null) return field.kind === "choice" ? field.choices[0] : "";
  return typeof field.initial === "object" ? JSON.stringify(field.initial) : field.initial;
}
