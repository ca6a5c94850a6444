"use strict";
(() => {
  const root = document.querySelector("#living");
  const data = JSON.parse(document.querySelector("#living-data").textContent);

  // ---------------------------------------------------------------- numbers that travel
  const TYPES = { u1: Uint8Array, i4: Int32Array, f4: Float32Array, f8: Float64Array };
  const unpacked = ({ type, data: text }) =>
    new TYPES[type](Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
  const unpackedRows = (rows) => {
    const all = unpacked(rows.X);
    const width = rows.y.length ? all.length / rows.y.length : 0;
    return rows.y.map((y, k) => ({ X: Float64Array.from(all.subarray(k * width, (k + 1) * width)), y }));
  };

  // ---------------------------------------------------------------- preparation: raw sample -> inputs of the network
  const filled = (value, fill) => (Number.isNaN(value) ? fill : value);
  const STEPS = {
    impute: ({ values }) => (x) => x.map((value, k) => filled(value, values[k])),
    one_hot: ({ numbers, text, fill, fill_text, codes, sizes }) => (x) => {
      const found = Array.from(numbers, (k, place) => (fill ? filled(x[k], fill[place]) : x[k]));
      let start = 0;
      text.forEach((k, place) => {
        const value = fill_text ? filled(x[k], fill_text[place]) : x[k];
        for (const code of codes.subarray(start, start + sizes[place])) found.push(Number(code === value));
        start += sizes[place];
      });
      return Float64Array.from(found);
    },
    polynomial: ({ powers }) => (x) => {
      const found = new Float64Array(powers.length / x.length).fill(1);
      found.forEach((_, term) => {
        for (let k = 0; k < x.length; k++) found[term] *= x[k] ** powers[term * x.length + k];
      });
      return found;
    },
    select: ({ places }) => (x) => Float64Array.from(places, (place) => x[place]),
    scale: ({ scale, shift }) => {
      const at = (factor, k, none) => (factor ? factor[factor.length > 1 ? k : 0] : none);
      return (x) => x.map((value, k) => value * at(scale, k, 1) + at(shift, k, 0));
    },
    pca: ({ components, mean }) => (x) => {
      const found = new Float64Array(components.length / x.length);
      found.forEach((_, c) => {
        let sum = 0;
        for (let k = 0; k < x.length; k++) sum += (x[k] - mean[k]) * components[c * x.length + k];
        found[c] = sum;
      });
      return found;
    },
  };
  const steps = data.steps.map(({ kind, ...arrays }) =>
    STEPS[kind](Object.fromEntries(Object.entries(arrays).map(([name, one]) => [name, unpacked(one)]))),
  );
  const prepared = (raw) => steps.reduce((x, step) => step(x), raw);
  const SCALES_ONLY = data.steps.every(({ kind }) => kind === "scale");

  // ---------------------------------------------------------------- network
  const logistic = (z) => 1 / (1 + Math.exp(-z));
  const normal = (z) => {
    // distribution function of the normal distribution: a series near 0, a continued fraction in the tails
    const x = Math.abs(z);
    if (x > 38) return Number(z > 0);
    const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
    if (x < 3) {
      let [term, sum] = [x, x];
      for (let k = 3; term > 1e-17 * sum; k += 2) sum += term *= (x * x) / k;
      return 0.5 + Math.sign(z) * density * sum;
    }
    let rest = x;
    for (let k = 60; k > 0; k--) rest = x + k / rest;
    return z > 0 ? 1 - density / rest : density / rest;
  };
  const softmax = (z) => {
    const top = z.reduce((a, b) => Math.max(a, b), -Infinity);
    const powers = z.map((value) => Math.exp(value - top));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((value) => value / sum);
  };
  const ELEMENTWISE = {
    linear: (z) => z,
    relu: (z) => Math.max(z, 0),
    leaky_relu: (z) => Math.max(z, 0.01 * z),
    sigmoid: logistic,
    tanh: Math.tanh,
    hard_sigmoid: (z) => Math.min(Math.max(0.2 * z + 0.5, 0), 1),
    elu: (z) => (z > 0 ? z : Math.expm1(z)),
    softplus: (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))),
    silu: (z) => z * logistic(z),
    gelu: (z) => z * normal(z),
  };
  const bound = (packed) => {
    // cuts the numbers up: W, b, then factor and offset of batch normalisation, layer by layer
    const numbers = unpacked(packed);
    let start = 0;
    const next = (size) => numbers.subarray(start, (start += size));
    return data.layers.map((layer) => ({
      ...layer,
      W: next(layer.inputs * layer.units),
      b: layer.bias ? next(layer.units) : null,
      factor: layer.norm ? next(layer.units) : null,
      offset: layer.norm ? next(layer.units) : null,
    }));
  };
  const off = data.layers.map(() => new Set()); // units that are switched off, by layer
  const passed = (network, x) => {
    // outputs of every layer
    const found = [];
    network.forEach(({ inputs, units, W, b, factor, offset, activation }, place) => {
      let z = new Float64Array(units);
      for (let i = 0; i < inputs; i++) {
        if (x[i] !== 0) for (let j = 0, at = i * units; j < units; j++) z[j] += x[i] * W[at + j];
      }
      if (b) for (let j = 0; j < units; j++) z[j] += b[j];
      if (factor) for (let j = 0; j < units; j++) z[j] = z[j] * factor[j] + offset[j];
      if (activation === "softmax") z = softmax(z);
      else if (activation !== "linear") z = z.map(ELEMENTWISE[activation]);
      for (const unit of off[place]) z[unit] = 0;
      found.push((x = z));
    });
    return found;
  };
  const CLASSES = data.classes.length > 0;
  const linked = (z) => {
    if (data.link === "linear") return Float64Array.of(z[0] * data.spread + data.centre);
    if (data.link === "softmax") return softmax(z);
    const one = logistic(z[0]);
    return Float64Array.of(1 - one, one);
  };
  const final = bound(data.weights);
  let network = final;
  const answered = (raw) => linked(passed(network, prepared(raw)).at(-1)); // probabilities, or one number
  const SIZE = data.layers.reduce((sum, { inputs, units }) => sum + inputs * units, 0);
  const best = (values) => values.reduce((top, value, k) => (value > values[top] ? k : top), 0);

  const SAMPLES = { part: unpackedRows(data.rows.part), train: unpackedRows(data.rows.train) };
  const SET = { test: "test", validation: "validation", train: "training" }[data.part];
  const THING = data.mode === "image" ? "image" : data.mode === "plane" ? "point" : "sample";
  const TRAIN = SAMPLES.train.map(({ X, y }) => ({ X, y, ready: prepared(X) }));

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
    return text.replace("-", "−");
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

  // ---------------------------------------------------------------- images
  const images = () => {
    const { shape: [HIGH, WIDE, CHANNELS = 1], max: MAX, background: BACK, alike } = data.image;
    const N = HIGH * WIDE;
    const SIDE = 280; // of the pad, in its own pixels
    const grey = (raw, k) => {
      const at = (channel) => Math.round((255 * raw[k * CHANNELS + channel]) / MAX);
      return CHANNELS === 3 ? [at(0), at(1), at(2)] : [at(0), at(0), at(0)];
    };
    const ink = (raw) => Float64Array.from({ length: N }, (_, k) => Math.abs(raw[k] - BACK) / MAX);
    const extent = (values, wide, high) => {
      // box around the ink, its centre of mass, its amount
      const top = values.reduce((a, b) => Math.max(a, b), 0);
      let [left, right, first, last, mass, x, y] = [wide, -1, high, -1, 0, 0, 0];
      for (let k = 0; k < wide * high; k++) {
        if (values[k] <= 0.2 * top) continue;
        const [column, row] = [k % wide, Math.floor(k / wide)];
        [left, right] = [Math.min(left, column), Math.max(right, column)];
        [first, last] = [Math.min(first, row), Math.max(last, row)];
        mass += values[k];
        x += values[k] * (column + 0.5);
        y += values[k] * (row + 0.5);
      }
      return { top, left, first, wide: right - left + 1, high: last - first + 1, mass, x: x / mass, y: y / mass };
    };
    const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
    const boxes = CHANNELS === 1
      ? TRAIN.map(({ X }) => extent(ink(X), WIDE, HIGH)).filter(({ mass }) => mass > 0) : [];
    const INKED = boxes.length > 0 && alike > 0.9; // light on dark or dark on light: a drawing can be made alike
    const target = INKED && {
      side: median(boxes.map(({ wide, high }) => Math.max(wide, high))),
      x: median(boxes.map(({ x }) => x)),
      y: median(boxes.map(({ y }) => y)),
      stroke: median(boxes.map(({ mass, wide, high, top }) => mass / top / (2 * Math.max(wide, high)))),
    };
    const FILLS = INKED && target.side > 0.9 * Math.min(HIGH, WIDE);
    const quantised = (share) => (Math.round(255 * Math.min(Math.max(share, 0), 1)) / 255) * MAX;

    const network_ = element("canvas", { className: "pixels", role: "img" });
    seen.push(() => {
      painted(network_, WIDE, HIGH, (k) => grey(state.raw, k));
      network_.setAttribute("aria-label",
        `The image that the network sees, ${HIGH} × ${WIDE} pixels` + (state.y === null ? "" : `: a ${data.classes[state.y] ?? labelled(state.y)}`));
    });

    // what is drawn or chosen, made like the images of the data set
    const fitted = (values) => {
      const box = extent(values, SIDE, SIDE);
      if (!(box.mass > 0)) return null;
      const scale = target.side / Math.max(box.wide, box.high); // pixels of the image to one of the pad
      const [toX, toY] = FILLS ? [WIDE / 2, HIGH / 2] : [target.x, target.y];
      const [fromX, fromY] = FILLS ? [box.left + box.wide / 2, box.first + box.high / 2] : [box.x, box.y];
      const edge = (place, to, from) => (place - to) / scale + from;
      const found = new Float64Array(N);
      for (let k = 0; k < N; k++) {
        const [column, row] = [k % WIDE, Math.floor(k / WIDE)];
        const [x0, x1] = [edge(column, toX, fromX), edge(column + 1, toX, fromX)].map(Math.round);
        const [y0, y1] = [edge(row, toY, fromY), edge(row + 1, toY, fromY)].map(Math.round);
        let sum = 0;
        for (let y = Math.max(y0, 0); y < Math.min(y1, SIDE); y++) {
          for (let x = Math.max(x0, 0); x < Math.min(x1, SIDE); x++) sum += values[y * SIDE + x];
        }
        found[k] = sum / Math.max((x1 - x0) * (y1 - y0), 1);
      }
      const most = found.reduce((a, b) => Math.max(a, b), 0);
      const dark = BACK < MAX / 2;
      const note = `${dark ? "light on dark" : "dark on light"}, the longer side scaled to ${target.side} pixels, centred by ` +
        (FILLS ? "its box" : "its centre of mass");
      return { raw: found.map((value) => quantised(dark ? value / most : 1 - value / most)), note };
    };

    const pad = element("canvas", {
      className: "pad", width: SIDE, height: SIDE, tabIndex: 0, role: "application",
      "aria-label": "Drawing pad. The arrow keys move the pen, space puts it down or lifts it, Delete clears the pad.",
    });
    const context = pad.getContext("2d", { willReadFrequently: true });
    const pen = { x: SIDE / 2, y: SIDE / 4, down: false };
    const WIDTH = INKED ? Math.min(Math.max((target.stroke * 0.7 * SIDE) / target.side, 10), 44) : 20;
    const blank = () => {
      context.fillStyle = "#000";
      context.fillRect(0, 0, SIDE, SIDE);
    };
    const read = later(() => {
      const pixels = context.getImageData(0, 0, SIDE, SIDE).data;
      const found = fitted(Float64Array.from({ length: SIDE * SIDE }, (_, k) => pixels[4 * k] / 255));
      if (found) show(found.raw, null, -1, `your drawing: ${found.note}`);
    }, 30);
    const line = (x, y) => {
      context.strokeStyle = "#fff";
      context.lineWidth = WIDTH;
      context.lineCap = context.lineJoin = "round";
      context.beginPath();
      context.moveTo(pen.x, pen.y);
      context.lineTo(x, y + (x === pen.x && y === pen.y ? 0.01 : 0));
      context.stroke();
      read();
    };
    const placed = (event) => {
      const box = pad.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
    };
    pad.addEventListener("pointerdown", (event) => {
      [pen.x, pen.y] = placed(event);
      pen.down = true;
      pad.setPointerCapture(event.pointerId);
      line(pen.x, pen.y);
    });
    pad.addEventListener("pointermove", (event) => {
      if (!pen.down || !event.buttons) return;
      const [x, y] = placed(event);
      line(x, y);
      [pen.x, pen.y] = [x, y];
    });
    for (const name of ["pointerup", "pointercancel"]) pad.addEventListener(name, () => { pen.down = false; });
    const marker = element("span", { className: "pen", "aria-hidden": "true", hidden: true });
    const mark = () => {
      marker.hidden = document.activeElement !== pad || !pad.matches(":focus-visible");
      marker.classList.toggle("down", pen.down);
      [marker.style.left, marker.style.top] = [`${(100 * pen.x) / SIDE}%`, `${(100 * pen.y) / SIDE}%`];
    };
    const clear = () => {
      blank();
      pen.down = false;
      mark();
    };
    const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    pad.addEventListener("keydown", (event) => {
      if (event.key in MOVES) {
        const [x, y] = MOVES[event.key].map((step, k) =>
          Math.min(Math.max([pen.x, pen.y][k] + 10 * step, WIDTH / 2), SIDE - WIDTH / 2));
        if (pen.down) line(x, y);
        [pen.x, pen.y] = [x, y];
      } else if (event.key === " ") {
        pen.down = !pen.down;
        if (pen.down) line(pen.x, pen.y);
      } else if (event.key === "Delete" || event.key === "Backspace") clear();
      else return;
      event.preventDefault();
      mark();
    });
    for (const name of ["focus", "blur"]) pad.addEventListener(name, mark);

    const chosenFile = async (file) => {
      let bitmap;
      try {
        bitmap = await createImageBitmap(file);
      } catch {
        spoken.textContent = `${file.name} is no picture that this browser can read.`;
        return;
      }
      const [wide, high] = INKED ? [SIDE, SIDE] : [WIDE, HIGH];
      const sheet = element("canvas", { width: wide, height: high }).getContext("2d");
      sheet.imageSmoothingQuality = "high";
      const whole = Math.min(wide / bitmap.width, high / bitmap.height);
      const part = Math.max(wide / bitmap.width, high / bitmap.height);
      const scale = INKED ? whole : part; // the whole picture, or its middle
      sheet.fillStyle = "#fff";
      sheet.fillRect(0, 0, wide, high);
      const [w, h] = [bitmap.width * scale, bitmap.height * scale];
      if (INKED) {
        // the margin takes the colour of the picture's first pixel
        sheet.drawImage(bitmap, 0, 0, 1, 1, 0, 0, wide, high);
      }
      sheet.drawImage(bitmap, (wide - w) / 2, (high - h) / 2, w, h);
      const pixels = sheet.getImageData(0, 0, wide, high).data;
      if (CHANNELS === 3) {
        const raw = Float64Array.from({ length: 3 * N }, (_, k) => quantised(pixels[4 * Math.floor(k / 3) + (k % 3)] / 255));
        show(raw, null, -1, `${file.name}: its middle, scaled to ${HIGH} × ${WIDE} pixels`);
        return;
      }
      const light = Float64Array.from({ length: wide * high }, (_, k) =>
        (0.299 * pixels[4 * k] + 0.587 * pixels[4 * k + 1] + 0.114 * pixels[4 * k + 2]) / 255);
      if (!INKED) {
        show(light.map(quantised), null, -1, `${file.name}: grey, its middle, scaled to ${HIGH} × ${WIDE} pixels`);
        return;
      }
      const border = [];
      for (let k = 0; k < SIDE; k++) border.push(light[k], light[SIDE * SIDE - 1 - k], light[k * SIDE], light[k * SIDE + SIDE - 1]);
      const paper = median(border);
      const found = fitted(light.map((value) => Math.abs(value - paper)));
      if (found) show(found.raw, null, -1, `${file.name}: ${found.note}`);
      else spoken.textContent = `${file.name} is of one colour: there is nothing to recognise.`;
    };
    const choose = element("input", { type: "file", accept: "image/*" });
    choose.addEventListener("change", () => choose.files.length && chosenFile(choose.files[0]));
    root.addEventListener("dragover", (event) => event.preventDefault());
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files.length) chosenFile(event.dataTransfer.files[0]);
    });
    const save = button("Save as PNG", () =>
      element("a", { href: network_.toDataURL("image/png"), download: "image.png" }).click());

    // why: what happens without a patch
    const heat = element("canvas", { className: "heat", role: "img" });
    const heatWords = element("p", { className: "note" });
    const heatLegend = legend("−", "0", "+", "");
    const [across, down] = [WIDE, HIGH].map((size) => Math.ceil(size / Math.max(Math.ceil(size / 7), Math.min(2, size))));
    const edges = (size, count) => Array.from({ length: count + 1 }, (_, k) => Math.round((k * size) / count));
    const [columns, rows] = [edges(WIDE, across), edges(HIGH, down)];
    const others = TRAIN.slice(0, Math.min(Math.max(Math.floor(1.5e8 / (SIZE * across * down)), 3), 30));
    const explain = later(() => {
      const kind = CLASSES ? best(state.answer) : 0;
      const falls = new Float64Array(across * down);
      for (let p = 0; p < falls.length; p++) {
        const [c, r] = [p % across, Math.floor(p / across)];
        for (const other of others) {
          const raw = Float64Array.from(state.raw);
          for (let y = rows[r]; y < rows[r + 1]; y++) {
            const [from, to] = [CHANNELS * (y * WIDE + columns[c]), CHANNELS * (y * WIDE + columns[c + 1])];
            raw.set(other.X.subarray(from, to), from);
          }
          falls[p] += (state.answer[kind] - answered(raw)[kind]) / others.length;
        }
      }
      const most = falls.reduce((top, value) => Math.max(top, Math.abs(value)), 1e-6);
      const zoom = Math.max(Math.round(280 / Math.max(WIDE, HIGH)), 1);
      const sheet = painted(heat, WIDE * zoom, HIGH * zoom, (k) => {
        const [x, y] = [Math.floor((k % (WIDE * zoom)) / zoom), Math.floor(k / (WIDE * zoom) / zoom)];
        const at = (list, value) => list.findIndex((start, j) => value >= start && value < list[j + 1]);
        const share = falls[at(rows, y) * across + at(columns, x)] / most;
        const [red, green, blue] = grey(state.raw, y * WIDE + x);
        const light = (red + green + blue) / 3 / 255;
        const shade = BACK < MAX / 2 ? 1 - light : light; // ink dark, whatever the data set has
        return signed(share).map((value) => value * (0.55 + 0.45 * shade));
      });
      sheet.strokeStyle = "rgb(255 255 255 / .7)";
      for (const x of columns) sheet.strokeRect(x * zoom, 0, 0, HIGH * zoom);
      for (const y of rows) sheet.strokeRect(0, y * zoom, WIDE * zoom, 0);
      const top = best(falls);
      const what = CLASSES ? `the probability of ${data.classes[kind]}` : "the prediction";
      const amount = (value) => (CLASSES ? `${(100 * value).toFixed(1)} points` : number(value));
      const [c, r] = [top % across, Math.floor(top / across)];
      heatWords.textContent = falls[top] > 0
        ? `${what[0].toUpperCase()}${what.slice(1)} rests most on rows ${rows[r] + 1}–${rows[r + 1]}, columns ${columns[c] + 1}–${columns[c + 1]}: with those of ` +
          `${others.length} training images in their place it falls by ${amount(falls[top])} on average.`
        : `No patch raises ${what}.`;
      heat.setAttribute("aria-label", heatWords.textContent);
      const [low, middle, high, words] = heatLegend.querySelectorAll("span:not(.ramp)");
      [low.textContent, middle.textContent, high.textContent] = [`−${amount(most)}`, "0", `+${amount(most)}`];
      words.textContent = `how far ${what} falls without the patch`;
    }, 120);
    seen.push(explain);

    const near = element("div", { className: "near" });
    seen.push(() => {
      const distances = TRAIN.map(({ ready }) =>
        Math.sqrt(ready.reduce((sum, value, k) => sum + (value - state.inputs[k]) ** 2, 0)));
      const order = [...distances.keys()].sort((a, b) => distances[a] - distances[b]).slice(0, 5);
      near.replaceChildren(...order.map((k) => {
        const canvas = element("canvas", { className: "pixels", role: "img", "aria-label": `A training image: ${labelled(TRAIN[k].y)}` });
        painted(canvas, WIDE, HIGH, (place) => grey(TRAIN[k].X, place));
        return element("figure", {}, canvas, element("figcaption", {}, labelled(TRAIN[k].y), element("small", {}, number(distances[k], 3))));
      }));
    });

    blank();
    root.append(
      element("p", { className: "note" },
        held() +
        (INKED ? "Draw, choose a picture, or walk through the images." : "Choose a picture, or walk through the images.")),
      walker(),
      element("div", { className: "columns" },
        ...(INKED ? [element("div", { className: "column" },
          element("h3", {}, "Draw"),
          element("div", { className: "frame" }, pad, marker),
          element("div", { className: "tools" }, button("Clear", clear)),
          element("label", { className: "file" }, "Or choose or drop a picture ", choose))]
          : []),
        element("div", { className: "column" },
          element("h3", {}, "Input of the network"),
          element("div", { className: "frame" }, network_),
          element("div", { className: "tools" }, save),
          ...(INKED ? [] : [element("label", { className: "file" }, "Choose or drop a picture ", choose)])),
        element("div", { className: "column grow" }, element("h3", {}, "Answer"), answer())),
      spoken,
      element("h3", {}, "Why"),
      element("div", { className: "columns" },
        element("figure", { className: "column" }, element("div", { className: "frame" }, heat), heatLegend),
        element("div", { className: "column grow" }, heatWords,
          element("p", { className: "note" }, `The nearest of the ${TRAIN.length} training images here, with their distance in prepared pixels:`), near)),
      ...units(),
    );
    show(SAMPLES.part[0].X, SAMPLES.part[0].y, 0);
    if (HIDDEN.length) pick(0, best(state.outputs[0]));
  };

  // ---------------------------------------------------------------- two features
  const plane = () => {
    const GRID = 110;
    const MAP = 24;
    const apart = data.part !== "train"; // there is another set than the training set
    const points = [...(apart ? SAMPLES.part.map((one) => ({ ...one, set: "part" })) : []), ...SAMPLES.train.map((one) => ({ ...one, set: "train" }))];
    const limits = data.features.map(({ low, high }, k) => {
      const values = points.map(({ X }) => X[k]).concat(low, high);
      const [least, most] = [Math.min(...values), Math.max(...values)];
      const room = 0.08 * (most - least || 1);
      return [least - room, most + room];
    });
    const colours = data.colours.map((text) => [1, 3, 5].map((place) => parseInt(text.slice(place, place + 2), 16)));
    const at = (k, count) => {
      // the middle of the k-th cell of a grid, the first row on top
      const [column, row] = [k % count, Math.floor(k / count)];
      const place = ([low, high], share) => low + share * (high - low);
      return Float64Array.of(place(limits[0], (column + 0.5) / count), place(limits[1], 1 - (row + 0.5) / count));
    };
    const ready = (count) => Array.from({ length: count * count }, (_, k) => prepared(at(k, count)));
    const [fine, coarse] = [ready(SIZE > 20000 ? 50 : GRID), ready(MAP)];
    const fineSide = Math.sqrt(fine.length);

    const canvas = element("canvas", { className: "plane", role: "img", width: 520, height: 520 });
    const base = element("canvas");
    const even = 1 / data.classes.length;
    const shade = () => {
      painted(base, fineSide, fineSide, (k) => {
        const found = linked(passed(network, fine[k]).at(-1));
        const top = best(found);
        return mixed(WHITE, colours[top], 0.08 + 0.55 * Math.max((found[top] - even) / (1 - even), 0));
      });
    };
    const pixel = (x) => [
      ((x[0] - limits[0][0]) / (limits[0][1] - limits[0][0])) * canvas.width,
      (1 - (x[1] - limits[1][0]) / (limits[1][1] - limits[1][0])) * canvas.height,
    ];
    const outline = (sheet, kind, x, y, r) => {
      const corners = [0, 4, 3, 4, 3, 4, 4, 5][kind];
      sheet.beginPath();
      if (!corners) return sheet.arc(x, y, r, 0, 2 * Math.PI);
      for (let k = 0; k < corners; k++) {
        const angle = (2 * Math.PI * k) / corners + (kind === 1 ? Math.PI / 4 : kind === 4 ? Math.PI / 2 : -Math.PI / 2);
        sheet.lineTo(x + 1.15 * r * Math.cos(angle), y + 1.15 * r * Math.sin(angle));
      }
      return sheet.closePath();
    };
    const draw = () => {
      const sheet = canvas.getContext("2d");
      sheet.imageSmoothingEnabled = true;
      sheet.drawImage(base, 0, 0, canvas.width, canvas.height);
      for (const { X, y, set } of points) {
        outline(sheet, y, ...pixel(X), 4.5);
        [sheet.fillStyle, sheet.lineWidth] = [set === "train" ? data.colours[y] : "#fff", set === "train" ? 1 : 2];
        sheet.strokeStyle = set === "train" ? "#fff" : data.colours[y];
        sheet.fill();
        sheet.stroke();
      }
      const [x, y] = pixel(state.raw);
      for (const [width, colour] of [[5, "#fff"], [2.5, "#000"]]) {
        [sheet.lineWidth, sheet.strokeStyle] = [width, colour];
        sheet.beginPath();
        sheet.arc(x, y, 10, 0, 2 * Math.PI);
        sheet.moveTo(x - 16, y);
        sheet.lineTo(x + 16, y);
        sheet.moveTo(x, y - 16);
        sheet.lineTo(x, y + 16);
        sheet.stroke();
      }
    };

    const fields = data.features.map(({ name }, k) => {
      const field = element("input", { type: "number", step: "any" });
      const step = (limits[k][1] - limits[k][0]) / 100;
      field.addEventListener("keydown", (event) => {
        const move = { ArrowUp: step, ArrowDown: -step }[event.key];
        if (move === undefined) return;
        event.preventDefault();
        field.value = String(Number((Number(field.value) + move).toPrecision(4)));
        field.dispatchEvent(new Event("input"));
      });
      field.addEventListener("input", () => {
        if (field.value === "" || !Number.isFinite(Number(field.value))) return;
        const raw = Float64Array.from(state.raw);
        raw[k] = Number(field.value);
        show(raw);
      });
      seen.push(() => {
        if (document.activeElement !== field) field.value = String(Number(state.raw[k].toPrecision(6)));
      });
      return element("label", {}, `${name} `, field);
    });
    const drag = (event) => {
      const box = canvas.getBoundingClientRect();
      const share = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
      show(Float64Array.from(share, (value, k) => limits[k][0] + Math.min(Math.max(value, 0), 1) * (limits[k][1] - limits[k][0])));
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      drag(event);
    });
    canvas.addEventListener("pointermove", (event) => event.buttons && drag(event));

    // the network by epoch
    const shots = [...(data.snapshots ?? [])];
    const own = { epoch: data.epoch ?? 0, weights: data.weights, final: true };
    const twin = shots.findIndex(({ epoch }) => epoch === own.epoch);
    if (twin >= 0) shots[twin] = own;
    else shots.push(own);
    shots.sort((a, b) => a.epoch - b.epoch);
    const home = shots.indexOf(own);
    const slider = element("input", { type: "range", min: "0", max: String(shots.length - 1), value: String(home), "aria-label": "Epoch" });
    const epochWords = element("output", { className: "where" });
    const share = (set) => SAMPLES[set].reduce((hits, { X, y }) => hits + (best(answered(X)) === y), 0) / SAMPLES[set].length;
    const stage = () => {
      const shot = shots[Number(slider.value)];
      network = shot.final ? final : (shot.bound ??= bound(shot.weights));
      const name = shot.epoch ? `epoch ${shot.epoch}` : "before training";
      epochWords.textContent = `${name}${shot.final ? ", the network of this run" : ""}`;
      slider.setAttribute("aria-valuetext", epochWords.textContent);
      refresh();
    };
    const rates = element("p", { className: "note" });
    let playing = 0;
    const play = button("Play", () => {
      const stop = () => {
        clearInterval(playing);
        playing = 0;
        play.textContent = "Play";
      };
      if (playing) return stop();
      play.textContent = "Stop";
      if (Number(slider.value) === shots.length - 1) slider.value = "0";
      else slider.value = String(Number(slider.value) + 1);
      stage();
      playing = setInterval(() => {
        if (Number(slider.value) === shots.length - 1) return stop();
        slider.value = String(Number(slider.value) + 1);
        return stage();
      }, 500);
      return undefined;
    });
    slider.addEventListener("input", stage);

    // what each unit answers to
    const maps = HIDDEN.map((layer, place) => ({
      place, made: Array.from({ length: Math.min(layer.units, 64) }, (_, unit) => {
        const map = element("canvas", { "aria-hidden": "true" });
        const one = element("button", { type: "button", className: "map", "aria-pressed": "false", "aria-label": `Unit ${unit + 1} of layer ${place + 1}` }, map);
        one.addEventListener("click", () => pick(place, unit));
        return { one, map };
      }),
    }));
    const drawMaps = () => {
      const found = coarse.map((x) => passed(network, x));
      for (const { place, made } of maps) {
        made.forEach(({ one, map }, unit) => {
          const values = found.map((outputs) => outputs[place][unit]);
          const top = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12);
          painted(map, MAP, MAP, (k) => signed(values[k] / top));
          one.classList.toggle("off", off[place].has(unit));
        });
      }
    };
    unitPicked.push(() => {
      for (const { place, made } of maps) {
        made.forEach(({ one }, unit) => one.setAttribute("aria-pressed", String(place === chosen.layer && unit === chosen.unit)));
      }
    });
    const mapped = element("div", { className: "maps" },
      ...maps.map(({ place, made }) => element("div", { role: "group", "aria-label": `Layer ${place + 1}` },
        element("p", { className: "note" }, `Layer ${place + 1}: output of each unit over the plane` +
          (HIDDEN[place].units > made.length ? `, the first ${made.length} of ${HIDDEN[place].units}` : "")),
        element("div", { className: "tiles" }, ...made.map(({ one }) => one)))),
      legend("negative", "0", "positive", "output of a unit, relative to its largest"));

    let drawn = null; // the network whose plane is shown, and what is switched off
    seen.push(() => {
      const now = JSON.stringify([shots.findIndex((shot) => (shot.final ? final : shot.bound) === network), off.map((set) => [...set])]);
      if (now !== drawn) {
        drawn = now;
        shade();
        drawMaps();
        const parts = [["part", SET], ...(apart ? [["train", "training"]] : [])];
        rates.textContent = `Right: ${parts.map(([set, name]) => `${percent(share(set))} of the ${SAMPLES[set].length} ${name} points shown`).join(", ")}.`;
      }
      draw();
      canvas.setAttribute("aria-label", `Plane of ${data.features[0].name} and ${data.features[1].name} with the points and the classes that the network gives. ${rates.textContent}`);
    });

    const keys = data.classes.map((name, k) => {
      const sign = element("canvas", { width: 18, height: 18, "aria-hidden": "true" });
      const sheet = sign.getContext("2d");
      outline(sheet, k, 9, 9, 6);
      [sheet.fillStyle, sheet.strokeStyle] = [data.colours[k], "#fff"];
      sheet.fill();
      return element("span", {}, sign, `class ${name}`);
    });
    root.append(
      element("p", { className: "note" },
        held(shots.length > 1 ? ` after ${shots.length} of its epochs` : "") +
        "Click into the plane, or type the coordinates."),
      ...(shots.length > 1 ? [element("div", { className: "tools epochs" }, play, slider, epochWords)] : []),
      element("div", { className: "columns" },
        element("div", { className: "column wide" },
          element("div", { className: "frame" }, canvas),
          element("p", { className: "keys" }, ...keys, ...(apart ? [element("span", {}, `full: training, ring: ${SET}`)] : [])),
          rates),
        element("div", { className: "column grow" },
          element("h3", {}, "Point"), element("div", { className: "tools" }, ...fields),
          walker(), answer())),
      spoken,
      ...units(mapped),
    );
    state.raw = SAMPLES.part[0].X;
    Object.assign(state, { y: SAMPLES.part[0].y, place: 0 });
    stage();
    pick(0, 0);
  };

  // ---------------------------------------------------------------- tables
  const table = () => {
    const STEPS_OF = 40;
    let moved = 0; // the feature whose partial dependence is shown
    const change = (k, value) => {
      const raw = Float64Array.from(state.raw);
      raw[k] = value;
      moved = k;
      show(raw);
    };
    const fields = data.features.map(({ name, low, high, whole, words }, k) => {
      const id = `living-${k}`;
      const focused = () => {
        if (moved === k) return;
        moved = k;
        depend();
      };
      if (words.length) {
        const select = element("select", { id }, ...words.map((word, code) => element("option", { value: String(code) }, word)));
        select.addEventListener("change", () => change(k, Number(select.value)));
        select.addEventListener("focus", focused);
        seen.push(() => { select.value = Number.isNaN(state.raw[k]) ? "" : String(state.raw[k]); });
        return element("div", { className: "field" }, element("label", { for: id }, name), select);
      }
      const step = whole ? 1 : (high - low) / 200 || 1;
      const range = element("input", { type: "range", min: String(low), max: String(high), step: whole ? "1" : "any", "aria-label": `${name}, slider` });
      const field = element("input", { id, type: "number", step: "any" });
      range.addEventListener("input", () => change(k, Number(range.value)));
      range.addEventListener("keydown", (event) => {
        const move = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1 }[event.key];
        if (move === undefined || whole) return;
        event.preventDefault();
        change(k, Math.min(Math.max(state.raw[k] + move * step, low), high));
      });
      field.addEventListener("input", () => {
        if (field.value !== "" && Number.isFinite(Number(field.value))) change(k, Number(field.value));
      });
      for (const one of [range, field]) one.addEventListener("focus", focused);
      seen.push(() => {
        const value = state.raw[k];
        range.value = String(Number.isNaN(value) ? (low + high) / 2 : value);
        if (document.activeElement !== field) field.value = Number.isNaN(value) ? "" : String(Number(value.toPrecision(6)));
      });
      return element("div", { className: "field" }, element("label", { for: id }, name), range, field);
    });

    // partial dependence: the mean answer of the samples here with this feature set
    const kind = element("select", { "aria-label": "Class" }, ...data.classes.map((name, k) => element("option", { value: String(k) }, name)));
    const which = element("select", {}, ...data.features.map(({ name }, k) => element("option", { value: String(k) }, name)));
    const chart = element("div", { className: "chart" });
    const words = element("p", { className: "note" });
    const everybody = [...SAMPLES.train, ...(data.part === "train" ? [] : SAMPLES.part)];
    const some = everybody.slice(0, Math.max(Math.min(everybody.length, Math.floor(2e8 / (SIZE * STEPS_OF))), 10));
    let follow = true; // the class that is predicted, until another is chosen
    const depend = later(() => {
      const { name, low, high, words: texts } = data.features[moved];
      which.value = String(moved);
      if (CLASSES && follow) kind.value = String(best(state.answer));
      const place = CLASSES ? Number(kind.value) : 0;
      const values = texts.length ? texts.map((_, code) => code)
        : Array.from({ length: STEPS_OF }, (_, k) => low + (k / (STEPS_OF - 1)) * (high - low));
      const set = (raw, value) => {
        const other = Float64Array.from(raw);
        other[moved] = value;
        return answered(other)[place];
      };
      const mean = values.map((value) => some.reduce((sum, { X }) => sum + set(X, value), 0) / some.length);
      const mine = values.map((value) => set(state.raw, value));
      const now = state.answer[place];
      const all = [...mean, ...mine, now];
      const room = CLASSES ? 0 : 0.05 * (Math.max(...all) - Math.min(...all) || 1);
      const [least, most] = CLASSES ? [0, 1] : [Math.min(...all) - room, Math.max(...all) + room];
      const [W, H, L, B, T, R] = [460, 260, 52, 40, 10, 12];
      const span = [texts.length ? -0.5 : low, texts.length ? texts.length - 0.5 : high === low ? low + 1 : high];
      const x = (value) => L + ((Math.min(Math.max(value, span[0]), span[1]) - span[0]) / (span[1] - span[0])) * (W - L - R);
      const y = (value) => H - B - ((value - least) / (most - least)) * (H - B - T);
      const path = (line) => values.map((value, k) => `${x(value).toFixed(1)},${y(line[k]).toFixed(1)}`).join(" ");
      const text = (content, attributes) => svg("text", attributes, content);
      const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => least + part * (most - least));
      const picture = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": "" },
        ...ticks.flatMap((tick) => [
          svg("line", { class: "rule", x1: L, x2: W - R, y1: y(tick), y2: y(tick) }),
          text(number(tick, 3), { x: L - 6, y: y(tick) + 4, "text-anchor": "end" })]),
        ...(texts.length ? texts.slice(0, 12).map((word, k) => text(word.slice(0, 12), { x: x(k), y: H - B + 16, "text-anchor": "middle" }))
          : [[low, "start"], [(low + high) / 2, "middle"], [high, "end"]].map(([value, anchor]) =>
            text(number(value), { x: x(value), y: H - B + 16, "text-anchor": anchor }))),
        text(name.slice(0, 50), { x: (L + W - R) / 2, y: H - 6, "text-anchor": "middle" }),
        ...[["mean", mean], ["mine", mine]].flatMap(([kind, line]) => (texts.length
          ? values.map((value, k) => svg("circle", { class: kind, cx: x(value), cy: y(line[k]), r: 4 })) // words have no order
          : [svg("polyline", { class: kind, points: path(line) })])),
        svg("circle", { class: "now", cx: x(state.raw[moved]), cy: y(now), r: 5 }));
      const what = CLASSES ? `probability of ${data.classes[place]}` : `predicted ${data.target}`;
      const shown = CLASSES ? percent : number;
      const [lowest, highest] = [mean.indexOf(Math.min(...mean)), best(mean)];
      const named = (k) => (texts.length ? texts[values[k]] : number(values[k]));
      words.textContent = `Mean ${what} of ${some.length} samples with ${name} set: from ${shown(mean[lowest])} at ${named(lowest)} ` +
        `to ${shown(mean[highest])} at ${named(highest)}.`;
      picture.setAttribute("aria-label", words.textContent);
      chart.replaceChildren(picture);
    }, 60);
    seen.push(depend);
    which.addEventListener("change", () => {
      moved = Number(which.value);
      depend();
    });
    kind.addEventListener("change", () => {
      follow = false;
      depend();
    });
    root.append(
      element("p", { className: "note" },
        held() +
        "Start from one of them and change its features."),
      walker(),
      element("div", { className: "columns" },
        element("div", { className: "column fields", role: "group", "aria-label": "Features" }, ...fields),
        element("div", { className: "column grow" },
          element("h3", {}, "Answer"), answer(),
          element("h3", {}, "Partial dependence"),
          element("div", { className: "tools" }, element("label", {}, "Feature ", which), ...(CLASSES ? [element("label", {}, "Class ", kind)] : [])),
          chart,
          element("p", { className: "keys" }, element("span", { className: "mean" }, "mean of the samples here"), element("span", { className: "mine" }, "this sample")),
          words)),
      spoken,
      ...units(),
    );
    show(SAMPLES.part[0].X, SAMPLES.part[0].y, 0);
  };

  ({ image: images, plane, table })[data.mode]();
  root.hidden = false;
  for (const link of document.querySelectorAll('a[href="#living"]')) link.hidden = false;
})();
