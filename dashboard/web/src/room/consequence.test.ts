import { describe, expect, it } from 'vitest';
import { unit } from '../feed/testing';
import type { DeviceReport, Phase } from '../feed/types';
import { acceptedOf, extentOf, precinctsOf, wantsNumber, within } from './consequence';

const precinct = (number: number, phase: Phase, votes: number, quarantined = 0) => ({ ...unit(`precinct:${number}`, 1, { p01: votes }), phase, quarantined });
const COUNTRY = [precinct(1, 'reported', 10), precinct(2, 'counting', 20), precinct(3, 'certified', 30), precinct(4, 'annulled', 0), precinct(5, 'reported', 40, 1)];

describe('what a decision about a unit is about', () => {
  it('passes over what is so already', () => {
    const [certify, uncertify, annul, reinstate] = (['certify', 'uncertify', 'annul', 'reinstate'] as const).map((act) => extentOf(act, COUNTRY, ['list']));
    expect(certify).toMatchObject({ concerned: 3, of: 5, unready: 2 });
    expect(uncertify).toMatchObject({ concerned: 1, ballots: { urns: 30 } });
    expect(annul).toMatchObject({ concerned: 4, ballots: { urns: 100 } });
    expect(reinstate).toMatchObject({ concerned: 1, ballots: { urns: 0 } });
    expect(annul?.ids).toEqual(['precinct:1', 'precinct:2', 'precinct:3', 'precinct:5']);
  });

  it('counts the ballots of the unit’s own contests only', () => {
    expect(extentOf('annul', COUNTRY, []).ballots).toEqual({ urns: 0, protocols: 0 });
  });

  it('reads the precincts of the unit, and of no other', () => {
    expect(['country', 'abroad', 'precinct:7', 'region:osh', 'district:12'].map(precinctsOf)).toEqual([
      '/precincts',
      '/precincts',
      '/precincts',
      '/precincts?region=osh',
      '/precincts?district=12',
    ]);
    expect(within('precinct:2', COUNTRY).map(({ id }) => id)).toEqual(['precinct:2']);
    expect(within('country', COUNTRY)).toHaveLength(5);
    const abroad = { ...precinct(6, 'reported', 1), parent: 'abroad' };
    expect(within('abroad', [...COUNTRY, abroad])).toEqual([abroad]);
  });
});

it('wants the number of precincts typed before many lose their figures, or are opened again', () => {
  const acts = ['certify', 'uncertify', 'annul', 'reinstate', 'release', 'refuse'] as const;
  expect(acts.filter((act) => wantsNumber(act, 2))).toEqual(['uncertify', 'annul', 'refuse']);
  expect(acts.filter((act) => wantsNumber(act, 1) || wantsNumber(act, 0))).toEqual([]);
});

it('counts what was accepted of one device, and nothing else', () => {
  const report = (device: string, verdict: DeviceReport['verdict']) => ({ device, verdict }) as DeviceReport;
  const reports = [report('u1', 'accepted'), report('u1', 'held'), report('u2', 'accepted'), report('u1', 'quarantined'), report('u1', 'accepted')];
  expect(['u1', 'u2', 'u3'].map((device) => acceptedOf(reports, device))).toEqual([2, 1, 0]);
});
