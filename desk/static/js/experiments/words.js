// How values of experiments are shown: shares as successes of 100 visits, values as money.

import { money, number, percent, t } from "../core/words.js";

export const EXPERIMENTS = "/recommender/v1/desk/experiments";
const inMoney = (metric) => metric === "value";

export const mean = (metric, value, currency) => (inMoney(metric) ? money(value, currency) : percent(value, 1));

export function difference(metric, value, currency) {
  if (value === null || value === undefined) return "–";
  const sign = value > 0 ? "+\u2060" : value < 0 ? "−\u2060" : ""; // joined: no line ends after the sign
  return sign + (inMoney(metric) ? money(Math.abs(value), currency) : number(Math.abs(value) * 100, 1));
}

export const state = (name) => t(`experiments-state-${name}`);
export const moment = (us) => new Date(us / 1000).toISOString();
