// What all pages that compute share: elements, the walk through the samples, the answer, the hidden units.
// ---------------------------------------------------------------- words and elements
const element = (name, attributes = {}, ...children) => {
  const one = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in one && !key.includes("-") && typeof value !== "string") one[key] = value;
    else one.setAttribute(key === "className" ? "class" : key, value);
  }
  one.append(...children);
  return one;
};
const svg = (name, attributes = {}, ...children) => {
  const one = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
  one.append(...children);
  return one;
};
const button = (text, act) => {
  const one = element("button", { type: "button" }, text);
  one.addEventListener("click", act);
  return one;
};
const number = (value, digits = 4) => {
  if (!Number.isFinite(value)) return "—";
  const text = Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 1e-4)
    ? value.toExponential(2) : String(Number(value.toPrecision(digits)));
  return text.replaceAll("-", "−");
};
const percent = (share) => (share < 1 && share > 0.9995 ? "> 99.9 %" : `${(100 * share).toFixed(1)} %`);
const labelled = (y) => (CLASSES ? data.classes[y] : number(y));
const later = (act, pause) => {
  let waiting = 0;
  return () => {
    clearTimeout(waiting);
    waiting = setTimeout(act, pause);
  };
};
const BLUE = [0, 114, 178];
const VERMILION = [213, 94, 0];
const WHITE = [255, 255, 255];
const mixed = (from, to, share) => from.map((value, k) => value + share * (to[k] - value));
const signed = (share) => mixed(WHITE, share < 0 ? VERMILION : BLUE, Math.min(Math.abs(share), 1)); // −1 … 1
const painted = (canvas, width, height, colour) => {
  // fills a canvas pixel by pixel with colour(k), the k-th pixel row by row
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let k = 0; k < width * height; k++) image.data.set([...colour(k), 255], 4 * k);
  context.putImageData(image, 0, 0);
  return context;
};
const legend = (low, middle, high, words) =>
  element("figcaption", { className: "scale" },
    element("span", { className: "ramp", "aria-hidden": "true" }),
    element("span", {}, low), element("span", {}, middle), element("span", {}, high),
    element("span", { className: "words" }, words));

// ---------------------------------------------------------------- what all pages share: source, answer, units
const state = { raw: null, y: null, place: -1, note: "" };
const seen = []; // functions that show the present sample
const spoken = element("p", { className: "said", role: "status" });
const speak = later(() => { spoken.textContent = state.words; }, 250);
const refresh = () => {
  const inputs = prepared(state.raw);
  state.outputs = passed(network, inputs);
  state.answer = linked(state.outputs.at(-1));
  state.inputs = inputs;
  for (const act of seen) act();
  speak();
};
const show = (raw, y = null, place = -1, note = "") => {
  Object.assign(state, { raw, y, place, note });
  refresh();
};

const walker = () => {
  const rows = SAMPLES.part;
  const where = element("output", { className: "where" });
  const go = (place) => {
    const k = (place + rows.length) % rows.length;
    show(rows[k].X, rows[k].y, k);
  };
  const wrong = () => {
    for (let k = 1; k <= rows.length; k++) {
      const place = (Math.max(state.place, 0) + k) % rows.length;
      if (best(answered(rows[place].X)) !== rows[place].y) return go(place);
    }
    where.textContent = `No error among these ${rows.length} ${SET} ${THING}s`;
  };
  seen.push(() => {
    where.textContent = state.place < 0 ? (state.note || `your own ${THING}`)
      : `${SET} ${THING} ${state.place + 1} of ${rows.length}`;
  });
  return element("div", { className: "tools", role: "group", "aria-label": `${SET} ${THING}s` },
    button("Previous", () => go(state.place < 0 ? 0 : state.place - 1)),
    button("Next", () => go(state.place + 1)),
    ...(CLASSES ? [button("Next error", wrong)] : []), where);
};

const held = (when = "") => {
  const others = data.part === "train" ? "" : `${SAMPLES.part.length} ${SET} and `;
  return `This page holds the network${when} and ${others}${TRAIN.length} training ${THING}s; nothing leaves it. `;
};

const MOST_BARS = 30;
const answer = () => {
  const list = element("ul", { className: "bars", "aria-label": CLASSES ? "Probability of each class" : "Prediction" });
  const rows = (CLASSES ? data.classes : [data.target]).map((name) => {
    const bar = element("span", { className: "bar", "aria-hidden": "true" });
    const value = element("span", { className: "amount" });
    const row = element("li", {}, element("span", { className: "name" }, name), bar, value);
    return { row, bar, value };
  });
  list.append(...rows.map(({ row }) => row));
  const longest = Math.max(...rows.map(({ row }) => row.firstChild.textContent.length));
  list.style.setProperty("--name", `${Math.min(Math.max(1.2 * longest, 2.5), 16)}ch`);
  const verdict = element("p", { className: CLASSES ? "verdict" : "verdict plain" });
  seen.push(() => {
    const found = state.answer;
    if (!CLASSES) {
      rows[0].row.dataset.value = found[0];
      rows[0].row.hidden = true; // the sentence says it
      verdict.textContent = `Predicted ${data.target}: ${number(found[0], 5)}.` +
        (state.y === null ? "" : ` True value ${number(state.y, 5)}, difference ${number(found[0] - state.y)}.`);
      state.words = verdict.textContent;
      return;
    }
    const top = best(found);
    const shown = new Set([...found.keys()].sort((a, b) => found[b] - found[a]).slice(0, MOST_BARS));
    rows.forEach(({ row, bar, value }, k) => {
      row.dataset.value = found[k];
      row.hidden = !shown.has(k);
      row.classList.toggle("top", k === top);
      row.classList.toggle("true", k === state.y);
      bar.style.setProperty("--share", `${100 * found[k]}%`);
      value.textContent = percent(found[k]) + (k === state.y ? " (true)" : "");
    });
    const right = state.y === null ? "" : top === state.y ? " Right." : ` Wrong: it is ${data.classes[state.y]}.`;
    verdict.textContent = `Predicted ${data.classes[top]}, ${percent(found[top])}.${right}`;
    verdict.classList.toggle("plain", state.y === null);
    verdict.classList.toggle("wrong", state.y !== null && top !== state.y);
    state.words = verdict.textContent;
  });
  return element("div", { className: "answers" }, verdict, list);
};

const HIDDEN = data.layers.slice(0, -1);
const chosen = { layer: 0, unit: 0 };
const unitPicked = []; // functions that show the chosen unit
const pick = (layer, unit) => {
  Object.assign(chosen, { layer, unit });
  for (const act of unitPicked) act();
};
const MOST_UNITS = 512;
const inputName = (layer, k) => (layer ? `unit ${layer}.${k + 1}` : data.inputs[k] ?? `input ${k + 1}`);

const strips = () => {
  // outputs of the hidden units, a square each
  const made = HIDDEN.map((layer, place) => {
    const columns = Math.min(layer.units, 32);
    const canvas = element("canvas", { className: "cells", role: "img" });
    canvas.style.setProperty("--columns", columns);
    const words = element("figcaption");
    canvas.addEventListener("click", (event) => {
      const box = canvas.getBoundingClientRect();
      const x = Math.floor(((event.clientX - box.left) / box.width) * columns);
      const y = Math.floor(((event.clientY - box.top) / box.height) * Math.ceil(layer.units / columns));
      if (y * columns + x < layer.units) pick(place, y * columns + x);
    });
    seen.push(() => {
      const values = state.outputs[place];
      const top = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12);
      painted(canvas, columns, Math.ceil(layer.units / columns), (k) =>
        k < layer.units ? signed(values[k] / top) : [236, 238, 240]);
      const order = [...values.keys()].sort((a, b) => Math.abs(values[b]) - Math.abs(values[a])).slice(0, 3);
      const active = values.reduce((count, value) => count + (value > 0), 0);
      words.textContent = `Layer ${place + 1}, ${layer.units} units (${layer.title}), ` +
        `${active} above 0. Strongest: ${order.map((k) => `${k + 1} (${number(values[k], 3)})`).join(", ")}`;
      canvas.setAttribute("aria-label", words.textContent);
    });
    return element("figure", {}, canvas, words);
  });
  return element("div", { className: "strips" }, ...made,
    legend("negative", "0", "positive", "output of a unit, relative to the largest of its layer"));
};

const inspector = () => {
  const layers = element("select", {});
  HIDDEN.forEach(({ units }, k) => layers.append(element("option", { value: String(k) }, `${k + 1} (${units} units)`)));
  const unit = element("input", { type: "number", min: "1", value: "1" });
  const switched = element("input", { type: "checkbox" });
  const all = button("Switch all on", () => {
    for (const set of off) set.clear();
    refresh();
    pick(chosen.layer, chosen.unit);
  });
  const words = element("p", { className: "note" });
  const canvas = element("canvas", { className: "pixels", role: "img" });
  const picture = element("figure", { className: "small" }, canvas, legend("−", "0", "+", "weight"));
  const list = element("ul", { className: "bars weights", "aria-label": "Weights into this unit, the largest first" });
  const draw = () => {
    const layer = network[chosen.layer];
    unit.max = String(layer.units);
    [layers.value, unit.value] = [String(chosen.layer), String(chosen.unit + 1)];
    switched.checked = off[chosen.layer].has(chosen.unit);
    all.hidden = off.every((set) => !set.size);
    const weights = Array.from({ length: layer.inputs }, (_, k) => layer.W[k * layer.units + chosen.unit]);
    const top = Math.max(...weights.map(Math.abs), 1e-12);
    const pixels = data.mode === "image" && SCALES_ONLY && chosen.layer === 0 && data.image.shape.length === 2;
    picture.hidden = !pixels;
    list.hidden = pixels;
    words.textContent = `Output now ${number(state.outputs[chosen.layer][chosen.unit], 3)}` +
      (layer.b ? `, bias ${number(layer.b[chosen.unit], 3)}` : "") +
      (pixels ? `. Each pixel is a weight, the largest ±${number(top, 3)}: the unit answers to ink on blue, and less with ink on orange.`
        : layer.inputs > 12 ? `. The 12 largest of ${layer.inputs} weights:` : ". Its weights:");
    if (pixels) {
      painted(canvas, data.image.shape[1], data.image.shape[0], (k) => signed(weights[k] / top));
      canvas.setAttribute("aria-label", `Weights of unit ${chosen.unit + 1} of the first layer by pixel`);
    } else {
      const order = [...weights.keys()].sort((a, b) => Math.abs(weights[b]) - Math.abs(weights[a])).slice(0, 12);
      list.replaceChildren(...order.map((k) => {
        const bar = element("span", { className: `bar ${weights[k] < 0 ? "minus" : ""}`, "aria-hidden": "true" });
        bar.style.setProperty("--share", `${(100 * Math.abs(weights[k])) / top}%`);
        return element("li", {}, element("span", { className: "name" }, inputName(chosen.layer, k)), bar,
          element("span", { className: "amount" }, number(weights[k], 3)));
      }));
    }
  };
  layers.addEventListener("change", () => pick(Number(layers.value), 0));
  unit.addEventListener("change", () => {
    const size = network[chosen.layer].units;
    pick(chosen.layer, Math.min(Math.max(Math.round(Number(unit.value)) || 1, 1), size) - 1);
  });
  switched.addEventListener("change", () => {
    off[chosen.layer][switched.checked ? "add" : "delete"](chosen.unit);
    refresh();
  });
  unitPicked.push(draw);
  seen.push(draw);
  return element("div", { className: "inspector" },
    element("div", { className: "tools" },
      element("label", {}, "Layer ", layers), element("label", {}, "Unit ", unit),
      element("label", {}, switched, " switched off"), all),
    words, picture, list);
};
const units = (maps) => {
  if (!HIDDEN.length || HIDDEN.some(({ units }) => units > MOST_UNITS)) return [];
  return [element("h3", {}, "Hidden units"), maps ?? strips(), inspector()];
};
