import type { Page } from 'playwright-core';

/** How much of the map's picture has each colour (`#rrggbb`), as it is on the screen. What lies over the map is lifted off it. */
export async function mapShares(page: Page, colours: readonly string[]): Promise<number[]> {
  const lift = (hidden: boolean) =>
    page.locator('.pane > :not(.map)').evaluateAll((all, away) => {
      for (const each of all as HTMLElement[]) each.style.visibility = away ? 'hidden' : '';
    }, hidden);
  await lift(true);
  const png = await page.locator('.pane .map').screenshot();
  await lift(false);
  return page.evaluate(
    async ([base64, wanted]) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const picture = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
      const pen = new OffscreenCanvas(picture.width, picture.height).getContext('2d');
      if (!pen) throw new Error('no canvas to read the picture with');
      pen.drawImage(picture, 0, 0);
      const { data } = pen.getImageData(0, 0, picture.width, picture.height);
      const counts = new Map<number, number>();
      for (let at = 0; at < data.length; at += 4) {
        const colour = ((data[at] ?? 0) << 16) | ((data[at + 1] ?? 0) << 8) | (data[at + 2] ?? 0);
        counts.set(colour, (counts.get(colour) ?? 0) + 1);
      }
      return wanted.map((colour) => (counts.get(Number.parseInt(colour.slice(1), 16)) ?? 0) / (data.length / 4));
    },
    [png.toString('base64'), [...colours]] as const,
  );
}
