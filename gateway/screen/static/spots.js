// Choosing among the places of a tray.

import { Declined } from "./gateway.js";
import { icon, make } from "./elements.js";
import { PART_SHAPES } from "./number.js";

/** Boxes for these places; one that is alone needs no choice, and none shows nothing. */
export function spots(fieldset, places, kind = "checkbox") {
  fieldset.hidden = places.length < 2;
  fieldset.replaceChildren(
    ...places.map((place) => {
      const box = make("input", { type: kind, name: "spot", value: place.position });
      box.defaultChecked = places.length === 1;
      const state = place.state || "open";
      return make("label", { class: `spot ${state}` }, box, icon(PART_SHAPES[state]), make("b", {}, place.position));
    }),
  );
}

/** The places that were chosen; at least one has to be. */
export function checkedSpots(data) {
  const chosen = data.getAll("spot").map(Number);
  if (!chosen.length) throw new Declined("not-valid");
  return chosen;
}
