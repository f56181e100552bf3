import type { Frame, Header, Unit, UnitKind } from './types';

/** Frames and units for tests. */
export function unit(id: string, urnPrecincts: number, votes: Record<string, number> = { p01: 10 }): Unit {
  const counted = Object.values(votes).reduce((sum, each) => sum + each, 0);
  return {
    id,
    kind: (id.split(':')[0] ?? 'country') as UnitKind,
    parent: id === 'country' ? null : 'country',
    phase: 'counting',
    precincts: 10,
    registered: 1000,
    reported: { precincts: urnPrecincts, registered: 100 * urnPrecincts },
    turnout: { identified: 300, precincts: 10, registered: 1000 },
    contests: {
      list: {
        precincts: 10,
        registered: 1000,
        urns: { precincts: urnPrecincts, registered: 100 * urnPrecincts, ballots: counted, invalid: 0, votes },
        protocols: { precincts: 0, registered: 0, ballots: 0, invalid: 0, votes: {} },
      },
    },
    quarantined: 0,
    discrepancies: 0,
    updated_at: '2026-10-04T14:10:00Z',
  };
}

export function header(version: number): Header {
  return {
    epoch: 'e1',
    version,
    generated_at: '2026-10-04T14:10:00Z',
    election: 'kg-demo',
    test: true,
    speed: 1,
    status: 'counting',
  };
}

export function snapshot(version: number, units: Unit[]): Extract<Frame, { type: 'snapshot' }> {
  return { type: 'snapshot', ...header(version), units };
}

export function delta(from: number, version: number, units: Unit[]): Extract<Frame, { type: 'delta' }> {
  return { type: 'delta', ...header(version), from, units };
}

export function ping(version: number): Extract<Frame, { type: 'ping' }> {
  return { type: 'ping', ...header(version) };
}
