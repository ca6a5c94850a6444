// The network that travels with the page, and how it answers: prediction alone, as mlexp predict.
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
