// The live page: the overview once, then each change in its place.

import { showAlerts, showAttention } from "./attention.js";
import { now, setNow } from "./header.js";
import { showGateways, tickGateways } from "./gateways.js";
import { Marks } from "./marks.js";
import { dropOrders, followTerms, showOrder } from "./orders.js";
import { showPace } from "./pace.js";
import { follow, insist } from "./stream.js";

const marks = new Marks();
let refusals = [];
let evidence = [];
let stop = () => {};

function hear(name, value) {
  if (name === "marks") marks.take(value);
  else if (name === "sampled") marks.sampled(value);
  else if (name === "order") showOrder(value);
  else if (name === "gateways") showGateways(value);
  else if (name === "pace") showPace(value);
  else if (name === "alerts") showAlerts(value);
  else if (name === "reset") start();
  else {
    if (name === "refusals") refusals = value;
    else if (name === "evidence") evidence = value;
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
  for (const order of overview.orders) showOrder(order);
  for (const name of ["gateways", "pace", "alerts"]) hear(name, overview[name]);
  showAttention(refusals, evidence);
  stop = follow(overview.cursor, hear);
}

setInterval(() => {
  tickGateways(now());
  marks.tick();
}, 1000);
followTerms(marks);
document.getElementById("unfilter").addEventListener("click", () => {
  history.replaceState(null, "", "/");
  marks.choose({ state: null, order: null, gateway: null });
});
const asked = new URLSearchParams(location.search);
marks.filter({ order: asked.get("order"), gateway: asked.get("gateway") });
start();
