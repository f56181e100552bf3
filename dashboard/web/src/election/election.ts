import type { Contest, Definition, Option, Place, UnitDefinition, UnitKind } from '../feed/types';

/** One tab of the page: a contest of the definition, with its one instance or one a district. */
export interface ContestGroup {
  /** Id in the definition: `list`, `single`. */
  of: string;
  contests: Contest[];
  /** The contest itself where the whole country votes on one ballot. */
  national: Contest | null;
  byUnit: Map<string, Contest>;
}

/** The two ways the country is divided: by administration, and into electoral districts. */
export type Tiling = 'regions' | 'districts';

/** The definition with everything looked up often made easy to look up. */
export class Election {
  readonly groups: ContestGroup[];
  readonly #units = new Map<string, UnitDefinition>();
  readonly #children = new Map<string, UnitDefinition[]>();
  readonly #contests = new Map<string, Contest>();
  readonly #options = new Map<string, Map<string, Option>>();

  constructor(readonly definition: Definition) {
    for (const unit of definition.units) {
      this.#units.set(unit.id, unit);
      if (unit.parent === null) continue;
      const siblings = this.#children.get(unit.parent) ?? [];
      siblings.push(unit);
      this.#children.set(unit.parent, siblings);
    }
    const groups = new Map<string, ContestGroup>();
    for (const contest of definition.contests) {
      this.#contests.set(contest.id, contest);
      this.#options.set(contest.id, new Map(contest.options.map((option) => [option.id, option])));
      const group: ContestGroup = groups.get(contest.of) ?? {
        of: contest.of,
        contests: [],
        national: null,
        byUnit: new Map(),
      };
      group.contests.push(contest);
      group.byUnit.set(contest.unit, contest);
      if (contest.scope === 'country') group.national = contest;
      groups.set(contest.of, group);
    }
    this.groups = [...groups.values()];
  }

  unit(id: string): UnitDefinition | undefined {
    return this.#units.get(id);
  }

  children(id: string, kind: UnitKind): UnitDefinition[] {
    return (this.#children.get(id) ?? []).filter((unit) => unit.kind === kind);
  }

  ofKind(kind: UnitKind): UnitDefinition[] {
    return this.definition.units.filter((unit) => unit.kind === kind);
  }

  contest(id: string): Contest | undefined {
    return this.#contests.get(id);
  }

  option(contest: string, id: string): Option | undefined {
    return this.#options.get(contest)?.get(id);
  }

  group(of: string | null): ContestGroup | undefined {
    return this.groups.find((group) => group.of === of) ?? this.groups[0];
  }

  tiling(group: ContestGroup | undefined): Tiling {
    return group && group.national === null ? 'districts' : 'regions';
  }

  /** From the country down to a unit, without the unit itself; for a precinct by the tiling in view. */
  path(id: string, tiling: Tiling, place: Place | undefined): UnitDefinition[] {
    const start = place ? (tiling === 'districts' ? (place.districts[0] ?? place.parent) : place.parent) : null;
    const path: UnitDefinition[] = [];
    let at = start ?? this.#units.get(id)?.parent ?? null;
    while (at !== null) {
      const unit = this.#units.get(at);
      if (!unit) break;
      path.unshift(unit);
      at = unit.parent;
    }
    return path;
  }
}

/** Whether an option of a district's ballot is a candidate of no party: one the whole country does not know. */
export function independent(contest: Contest, id: string): boolean {
  if (contest.scope === 'country') return false;
  const option = contest.options.find((each) => each.id === id);
  return option?.kind === 'candidate' && option.party === null;
}

/** `precinct:5123` → 5123; null for any other unit. */
export function precinctNumber(id: string): number | null {
  return id.startsWith('precinct:') ? Number(id.slice('precinct:'.length)) : null;
}

/** `district:12` → 12: what comes after the colon where it is a number. */
export function unitNumber(id: string): string | null {
  return /:(\d+)$/.exec(id)?.[1] ?? null;
}
