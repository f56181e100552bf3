// Follows the count and says who leads. A browser, or Node 22 (20.10 and later with --experimental-websocket).
// node live.mjs https://results.example/api/v1/elections/ID [SECONDS]
const [election, seconds = '10'] = process.argv.slice(2);
const units = new Map();
let held = null; // { epoch, version }
const socket = new WebSocket(`${election.replace(/^http/, 'ws')}/live?units=country`);
socket.onmessage = ({ data }) => {
  const frame = JSON.parse(data);
  if (frame.type === 'snapshot') units.clear();
  else if (frame.epoch !== held?.epoch || (frame.from ?? 0) > held.version) return socket.close(); // take a snapshot anew
  for (const unit of frame.units ?? []) units.set(unit.id, unit); // whole units: absolute counts, never increments
  if (frame.type !== 'ping') held = frame;
  const { reported, precincts, contests } = units.get('country');
  const [contest, { urns }] = Object.entries(contests)[0] ?? ['', { urns: {} }];
  const [leader, votes] = Object.entries(urns.votes ?? {}).sort(([, a], [, b]) => b - a)[0] ?? ['nobody yet', 0];
  console.log(`${frame.generated_at} version ${frame.version}: ${reported.precincts} of ${precincts} precincts; ${contest}: ${leader} ${votes}`);
};
setTimeout(() => process.exit(held ? 0 : 1), 1000 * Number(seconds));
