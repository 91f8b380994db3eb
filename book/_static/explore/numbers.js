// What several living figures compute alike.

/** Mean and 95 % half-width over the seeds, as the preamble has them (Student's t by Abramowitz & Stegun 26.7.5). */
export function meanCi(values) {
  const z = 1.959963984540054;
  const v = values.length - 1;
  const t = z + (z ** 3 + z) / (4 * v) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * v ** 2) + (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * v ** 3);
  const mean = values.reduce((all, value) => all + value, 0) / values.length;
  return [mean, t * Math.sqrt(values.reduce((all, value) => all + (value - mean) ** 2, 0) / v / (v + 1))];
}
