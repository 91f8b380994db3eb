export const follows = "39efbada";
export const heights = { wide: 900, narrow: 1000 };
export default { name: "block", label: "b", state: {}, controls: [], draw() {}, sentence: () => "", numbers: () => ({}) };
