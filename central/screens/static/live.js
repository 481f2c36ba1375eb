// The live page: the overview once, then each change in its place.

import { now, setNow } from "./header.js";
import { showAttention, showGateways, tickGateways } from "./gateways.js";
import { Marks } from "./marks.js";
import { dropOrders, showBalance, showOrder } from "./orders.js";
import { follow, insist } from "./stream.js";

const marks = new Marks();
let refusals = [];
let evidence = [];
let stop = () => {};

function hear(name, value) {
  if (name === "marks") marks.take(value);
  else if (name === "order") showBalance(showOrder(value), marks);
  else if (name === "gateways") showGateways(value, marks);
  else if (name === "reset") start();
  else {
    if (name === "refusals") refusals = value;
    else evidence = value;
    showAttention(refusals, evidence);
  }
}

async function start() {
  stop();
  const overview = await insist("/feed/overview");
  setNow(overview.now);
  ({ refusals, evidence } = overview);
  dropOrders();
  marks.reset(overview.marks);
  for (const order of [...overview.orders].reverse()) showOrder(order);
  hear("gateways", overview.gateways);
  showBalance(null, marks);
  showAttention(refusals, evidence);
  stop = follow(overview.cursor, hear);
}

setInterval(() => {
  tickGateways(now());
  marks.tick();
}, 1000);
document.getElementById("unfilter").addEventListener("click", () => {
  history.replaceState(null, "", "/");
  marks.choose({ state: null, order: null, gateway: null });
});
const asked = new URLSearchParams(location.search);
marks.filter({ order: asked.get("order"), gateway: asked.get("gateway") });
start();
