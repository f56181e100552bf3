import type { Source } from '../feed/types';
import type { Language } from '../i18n/languages';

export const KINDS = ['map', 'results', 'turnout', 'progress'] as const;
export type Kind = (typeof KINDS)[number];

/** What somebody wants on a page of theirs; null where it goes by itself. */
export interface Choice {
  kind: Kind;
  contest: string | null;
  unit: string;
  source: Source;
  mode: 'leading' | 'reported' | 'turnout' | null;
  lang: Language;
  theme: 'auto' | 'light' | 'dark';
  ink: string | null;
  ground: string | null;
  accent: string | null;
}

/** Height in px of a frame before it has said its own. */
const HEIGHTS: Record<Kind, number> = { map: 720, results: 640, turnout: 420, progress: 420 };

/** Attributes in their order, without those that go without saying. */
function attributes(choice: Choice): [string, string][] {
  const { kind, contest, unit, source, mode, lang, theme, ink, ground, accent } = choice;
  const votes = kind === 'map' || kind === 'results';
  const all: [string, string | null][] = [
    ['contest', votes ? contest : null],
    ['unit', unit === 'country' ? null : unit],
    ['source', votes && source === 'protocols' ? source : null],
    ['mode', kind === 'map' ? mode : null],
    ['lang', lang],
    ['theme', theme === 'auto' ? null : theme],
    ['ink', ink],
    ['ground', ground],
    ['accent', accent],
  ];
  return all.filter((each): each is [string, string] => each[1] !== null);
}

const MARKS: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string) => text.replace(/[&<>"]/g, (mark) => MARKS[mark] ?? mark);

export function frameAddress(origin: string, choice: Choice): string {
  return `${origin}/embed/${choice.kind}?${new URLSearchParams(attributes(choice))}`;
}

export function elementCode(origin: string, choice: Choice): string {
  const tag = `sanak-${choice.kind}`;
  const given = attributes(choice).map(([name, value]) => ` ${name}="${escaped(value)}"`);
  return `<script src="${origin}/embed/sanak.js" async></script>\n<${tag}${given.join('')}></${tag}>`;
}

export function frameCode(origin: string, choice: Choice, title: string): string {
  const src = escaped(frameAddress(origin, choice));
  return `<iframe src="${src}" title="${escaped(title)}" width="100%" height="${HEIGHTS[choice.kind]}" frameborder="0" loading="lazy"></iframe>`;
}

/** What a policy of the page around must allow. */
export function policyCode(origin: string): string {
  const sockets = origin.replace(/^http/, 'ws');
  return [`script-src ${origin}`, `connect-src ${origin} ${sockets}`, `frame-src ${origin}`].join('; ');
}
