import { describe, expect, it } from 'vitest';
import { elementCode, frameCode, policyCode, type Choice } from './code';

const plain: Choice = { kind: 'results', contest: null, unit: 'country', source: 'urns', mode: null, lang: 'ky', theme: 'auto', ink: null, ground: null, accent: null };

describe('the code of an embedding', () => {
  it('leaves out what goes without saying', () => {
    expect(elementCode('https://a.kg', plain)).toBe('<script src="https://a.kg/embed/sanak.js" async></script>\n<sanak-results lang="ky"></sanak-results>');
    expect(frameCode('https://a.kg', plain, 'Results')).toBe(
      '<iframe src="https://a.kg/embed/results?lang=ky" title="Results" width="100%" height="640" frameborder="0" loading="lazy"></iframe>',
    );
  });

  it('names everything that was chosen, a mode for maps only', () => {
    const all: Choice = { ...plain, kind: 'map', contest: 'single', unit: 'region:osh', source: 'protocols', mode: 'turnout', theme: 'dark', ink: '#112233', ground: 'transparent', accent: '#ff0000' };
    expect(elementCode('https://a.kg', all)).toContain(
      '<sanak-map contest="single" unit="region:osh" source="protocols" mode="turnout" lang="ky" theme="dark" ink="#112233" ground="transparent" accent="#ff0000">',
    );
    expect(frameCode('https://a.kg', all, 'Map')).toContain('/embed/map?contest=single&amp;unit=region%3Aosh&amp;source=protocols&amp;mode=turnout&amp;lang=ky&amp;theme=dark&amp;ink=%23112233');
    expect(elementCode('https://a.kg', { ...all, kind: 'results' })).not.toContain('mode');
  });

  it('escapes what stands in an attribute, a title of the election files among it', () => {
    expect(frameCode('https://a.kg', plain, '"><script>')).toContain('title="&quot;&gt;&lt;script&gt;"');
  });

  it('names the sources that a policy must allow', () => {
    expect(policyCode('https://a.kg')).toBe('script-src https://a.kg; connect-src https://a.kg wss://a.kg; frame-src https://a.kg');
  });
});
