// Times at Tirana, whatever the browser's own zone is.

const zone = "Europe/Tirane";
const parts = new Intl.DateTimeFormat("en-GB", {
  timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit",
  hour: "2-digit", minute: "2-digit", second: "2-digit",
});

function taken(date) {
  return Object.fromEntries(parts.formatToParts(date).map(({ type, value }) => [type, value]));
}

export function clockTime(date) {
  const { hour, minute, second } = taken(date);
  return `${hour}:${minute}:${second}`;
}

export function day(date) {
  const { day: dd, month, year } = taken(date);
  return `${dd}.${month}.${year}`;
}
