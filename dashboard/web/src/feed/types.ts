import type { Correction, Decided } from './lists';

/** The shapes of `/api/v1` that this page reads. Counts are integers; times are RFC 3339 in UTC. */

export type UnitKind = 'country' | 'abroad' | 'region' | 'raion' | 'district' | 'precinct';
export type Phase = 'pre' | 'open' | 'counting' | 'reported' | 'certified' | 'annulled';
export type Status = 'pre' | 'open' | 'counting' | 'complete' | 'certified';
/** Two results that never mix: what urns counted, and what commissions counted by hand. */
export type Source = 'urns' | 'protocols';

/** A name in the languages its source has; precincts have no English one. */
export interface Name {
  ky: string;
  ru: string;
  en?: string | null;
}

/** What has reported of one contest by one source. Before votes may be published only the first two stand here. */
export interface Count {
  precincts: number;
  registered: number;
  ballots?: number;
  invalid?: number;
  votes?: Record<string, number>;
}

export interface ContestCount {
  precincts: number;
  registered: number;
  urns: Count;
  protocols: Count;
}

export interface Unit {
  id: string;
  kind: UnitKind;
  parent: string | null;
  phase: Phase;
  precincts: number;
  registered: number;
  /** Those that have reported in every contest, by urns or by protocol. */
  reported: { precincts: number; registered: number };
  /** Of the precincts that have sent any turnout. */
  turnout: { identified: number; precincts: number; registered: number };
  contests: Record<string, ContestCount>;
  quarantined: number;
  discrepancies: number;
  updated_at: string;
}

/** Stands in every answer and frame. */
export interface Header {
  epoch: string;
  version: number;
  generated_at: string;
  election: string;
  test: boolean;
  /** 1 except in a simulation, where time runs faster. */
  speed: number;
  status: Status;
  embargo_until?: string | null;
  stalled_since?: string | null;
}

export interface Snapshot extends Header {
  units: Unit[];
}

export type Frame =
  | (Snapshot & { type: 'snapshot' })
  | (Snapshot & { type: 'delta'; from: number })
  | (Header & { type: 'ping' });

export interface ElectionSummary {
  id: string;
  name: Name;
  date: string;
  kind: string;
  test: boolean;
  /** Null of an archived one of which no version is on record. */
  status: Status | null;
  precincts: number;
  registered: number;
  /** Of the precincts that have sent any. */
  turnout?: { identified: number; registered: number } | null;
  archived?: boolean;
}

export type ContestKind =
  | 'proportional_open_list'
  | 'single_member'
  | 'multi_member'
  | 'presidential'
  | 'referendum'
  | 'council';

export interface Option {
  id: string;
  number: number;
  kind: 'party' | 'candidate' | 'against_all' | 'yes' | 'no';
  name: Name;
  color: string | null;
  sex: 'f' | 'm' | null;
  party: string | null;
  status: 'active' | 'withdrawn';
  /** Who stands on a list. */
  candidates?: { number: number; name: Name }[];
}

export interface Contest {
  id: string;
  /** The contest of the definition this one is an instance of: `single` for `single:12`. */
  of: string;
  kind: ContestKind;
  scope: 'country' | 'district';
  unit: string;
  name: Name;
  seats: number;
  /** Decimal strings, percent. */
  threshold: { national?: string | null; regional?: string | null } | null;
  share_of: 'votes_cast' | 'valid_votes';
  /** What becomes of the votes of who has withdrawn: excluded ones are in no share. */
  withdrawn_votes?: string;
  options: Option[];
}

export interface UnitDefinition {
  id: string;
  kind: UnitKind;
  parent: string | null;
  name: Name | null;
  /** How many of its precincts have no urns: they report by protocol only. */
  by_hand: number;
}

export interface Definition {
  id: string;
  name: Name;
  date: string;
  timezone: string;
  polls_open: string;
  polls_close: string;
  publish_votes_from: string;
  kind: string;
  test: boolean;
  data_licence: string;
  precincts: number;
  registered: number;
  contests: Contest[];
  units: UnitDefinition[];
  /** Only where the definition is asked for with its keys. */
  devices?: Device[];
}

export interface Device {
  id: string;
  kind: 'urn' | 'id_terminal';
  precinct: number | null;
  public_key: string | null;
  status: 'active' | 'spare' | 'revoked';
  /** The keys before this one, the oldest first. */
  superseded_keys?: string[];
}

export interface Place {
  precinct: number;
  parent: string;
  districts: string[];
  count: 'urn' | 'manual';
  registered: number;
  lon: number;
  lat: number;
  name: Name;
  address: string;
  polls_close: string;
  urns: number;
  terminals: number;
}

export interface DeviceReport {
  offset: number;
  device: string;
  kind: 'urn' | 'id_terminal';
  seq: number;
  type: 'opening' | 'turnout' | 'closing' | 'tally';
  at: string;
  arrived: string;
  digest: string;
  verdict: 'accepted' | 'held' | 'quarantined' | 'rejected';
  codes: string[];
  /** What people decided on it, where they have. */
  decision?: Decided | null;
}

export interface Discrepancy {
  code: string;
  device: string | null;
  contest: string | null;
  since: string;
}

export interface PrecinctDetail extends Header {
  unit: Unit;
  place: Place;
  reports: DeviceReport[];
  discrepancies: Discrepancy[];
  corrections: Correction[];
  documents: Scan[];
  /** The sources of each contest; without counts while the embargo holds. */
  reconciliation: { contest: string; urns?: WholeCount | null; protocol?: WholeCount | null; copies?: ObserversCopy[] }[];
}

/** What one source counted, whole; the preference votes by list and number where there are any. */
export interface WholeCount {
  ballots: number;
  invalid: number;
  votes: Record<string, number>;
  preferences?: Record<string, Record<string, number>>;
}

/** A copy of the protocol, and who holds it. */
export interface ObserversCopy {
  holder: string;
  ballots: number;
  invalid: number;
  votes: Record<string, number>;
}

export type ScanKind = 'urn_first' | 'urn_final' | 'id_first' | 'id_final' | 'protocol' | 'copy';

/** A scan of what was printed and signed. */
export interface Scan {
  kind: ScanKind;
  offset: number;
  at: string;
  media_type: string;
  bytes: number;
  /** Null while votes stand on it that may not be published. */
  digest: string | null;
  original: { digest: string };
}

export interface HistoryPoint {
  at: string;
  precincts: number;
  registered: number;
  of_precincts: number;
  of_registered: number;
  identified: number;
}

export interface History {
  unit: string;
  series: 'turnout' | 'reported';
  step: number;
  points: HistoryPoint[];
}
