import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl';
import type { Theme } from './ground';
import type { Level } from './level';

export const LEVELS: Level[] = ['regions', 'districts', 'raions', 'precincts'];
/** The levels that may lie around the one in view, innermost first. */
export const PARENTS: Level[] = ['raions', 'districts', 'regions'];
const GROWTH = 1.5;
export const HATCH = 'hatch';
/** No `glyphs` in the style: the names are of the page's own web fonts (styles/fonts.css). */
const FONT = { regular: ['Inter'], strong: ['Inter SemiBold'] };

/** Every area's edge is drawn as a line: smoothed by another program of the graphics card it would come later. */
const UNLINED = { 'fill-antialias': false } as const;

const state = (name: string, otherwise: string | number): ExpressionSpecification => [
  'coalesce',
  ['feature-state', name],
  otherwise,
];
const flag = (name: string): ExpressionSpecification => ['boolean', ['feature-state', name], false];

/** An empty country: the base layers and every level's layers, all hidden but the base. */
export function baseStyle(theme: Theme, scale: number): StyleSpecification {
  const nothing = { type: 'FeatureCollection' as const, features: [] };
  const area = { type: 'geojson' as const, data: nothing, promoteId: 'id', tolerance: 0.2, buffer: 32 };
  const point = { type: 'geojson' as const, data: nothing, promoteId: 'id' };
  return {
    version: 8,
    sources: {
      neighbours: { type: 'geojson', data: nothing, attribution: 'Natural Earth · GeoNames (CC BY 4.0)' },
      lakes: { type: 'geojson', data: nothing },
      settlements: { type: 'geojson', data: nothing },
      regions: area,
      raions: area,
      districts: area,
      precincts: area,
      'regions-at': point,
      'raions-at': point,
      'districts-at': point,
      'precincts-at': point,
      pulses: area,
    },
    layers: [
      { id: 'sea', type: 'background', paint: { 'background-color': theme.sea } },
      { id: 'neighbours', type: 'fill', source: 'neighbours', paint: { 'fill-color': theme.neighbour, ...UNLINED } },
      {
        id: 'neighbours-line',
        type: 'line',
        source: 'neighbours',
        paint: { 'line-color': theme.neighbourLine, 'line-width': scale },
      },
      ...LEVELS.flatMap((level) => areaLayers(level, theme, scale)),
      ...PARENTS.map((level) => parentLayer(level, theme, scale)),
      ...LEVELS.map((level) => firmLayer(level, theme, scale)),
      // Nobody votes on a lake: it lies over the borders that cross it.
      { id: 'lakes', type: 'fill', source: 'lakes', paint: { 'fill-color': theme.water, ...UNLINED } },
      { id: 'lakes-line', type: 'line', source: 'lakes', paint: { 'line-color': theme.water, 'line-width': scale } },
      ...LEVELS.map((level) => markLayer(level, theme, scale)),
      // A source of its own: with the levels' it would be worked out anew for every unit that changes.
      {
        id: 'pulses',
        type: 'line',
        source: 'pulses',
        layout: { 'line-join': 'round' },
        paint: { 'line-color': theme.focus, 'line-width': 3 * scale, 'line-opacity': state('pulse', 0) },
      },
      ...LEVELS.map((level) => circleLayer(level, theme, scale)),
      ...labelLayers(theme, scale),
    ],
  };
}

function areaLayers(level: Level, theme: Theme, scale: number): LayerSpecification[] {
  const visibility = 'none';
  return [
    {
      id: `${level}-ground`,
      type: 'fill',
      source: level,
      layout: { visibility },
      paint: { 'fill-color': theme.land, ...UNLINED },
    },
    {
      id: `${level}-hatch`,
      type: 'fill',
      source: level,
      layout: { visibility },
      paint: { 'fill-pattern': HATCH, ...UNLINED },
    },
    {
      id: `${level}-fill`,
      type: 'fill',
      source: level,
      layout: { visibility },
      paint: {
        'fill-color': ['to-color', state('fill', theme.land)],
        'fill-opacity': ['case', flag('counted'), 1, 0],
        ...UNLINED,
      },
    },
    {
      id: `${level}-line`,
      type: 'line',
      source: level,
      layout: { visibility, 'line-join': 'round' },
      paint: {
        'line-color': borderColour(theme, false),
        'line-width': (level === 'precincts' ? 0.5 : 1) * scale,
      },
    },
  ];
}

/** Between coloured areas a gap; a thin line where there is no colour. */
export function borderColour(theme: Theme, circles: boolean): ExpressionSpecification | string {
  return circles ? theme.neighbourLine : ['case', flag('counted'), theme.line, theme.neighbourLine];
}

/** The outlines of what the level in view is part of. */
function parentLayer(level: Level, theme: Theme, scale: number): LayerSpecification {
  return {
    id: `${level}-parent`,
    type: 'line',
    source: level,
    layout: { visibility: 'none', 'line-join': 'round' },
    paint: {
      'line-color': theme.parentLine,
      'line-width': (level === 'raions' ? 0.8 : 1.4) * scale,
      'line-opacity': 0.75,
    },
  };
}

/** Drawn inside the area, so that a complete unit is told from a neighbour that is not. */
function firmLayer(level: Level, theme: Theme, scale: number): LayerSpecification {
  const width = (level === 'precincts' ? 0.7 : 1.1) * scale;
  return {
    id: `${level}-firm`,
    type: 'line',
    source: level,
    layout: { visibility: 'none', 'line-join': 'round' },
    paint: {
      'line-color': theme.firm,
      'line-width': width,
      'line-offset': width / 2 + 0.3,
      'line-opacity': ['case', flag('complete'), level === 'precincts' ? 0.45 : 0.75, 0],
    },
  };
}

function markLayer(level: Level, theme: Theme, scale: number): LayerSpecification {
  return {
    id: `${level}-chosen`,
    type: 'line',
    source: level,
    layout: { visibility: 'none', 'line-join': 'round' },
    paint: {
      'line-color': ['case', flag('focused'), theme.focus, theme.chosen],
      'line-width': ['case', flag('focused'), 3 * scale, flag('chosen'), 2.5 * scale, 1.5 * scale],
      'line-opacity': ['case', flag('focused'), 1, flag('chosen'), 1, flag('hovered'), 0.8, 0],
    },
  };
}

function circleLayer(level: Level, theme: Theme, scale: number): LayerSpecification {
  return {
    id: `${level}-circle`,
    type: 'circle',
    source: `${level}-at`,
    layout: { visibility: 'none' },
    paint: {
      'circle-radius': state('radius', 0),
      'circle-color': ['to-color', state('fill', theme.land)],
      'circle-opacity': ['case', flag('counted'), 0.9, 0.15],
      'circle-stroke-color': [
        'case',
        flag('focused'),
        theme.focus,
        ['any', flag('chosen'), flag('hovered'), level === 'precincts' ? false : flag('complete')],
        theme.firm,
        theme.labelQuiet,
      ],
      'circle-stroke-width': ['case', ['any', flag('chosen'), flag('focused')], 2.5 * scale, (level === 'precincts' ? 0.5 : 1) * scale],
    },
  };
}

/** Circles grow with the zoom, but slower than the land, so that they come apart. */
export function circleGrowth(fitZoom: number): ExpressionSpecification {
  const radius: ExpressionSpecification = state('radius', 0);
  return [
    'interpolate',
    ['exponential', GROWTH],
    ['zoom'],
    fitZoom - 1,
    ['*', radius, 1 / GROWTH],
    fitZoom + 8,
    ['*', radius, GROWTH ** 8],
  ];
}

function labelLayers(theme: Theme, scale: number): LayerSpecification[] {
  const halo = { 'text-halo-color': theme.halo, 'text-halo-width': 1.4 * scale, 'text-halo-blur': 0.3 };
  const unitLabel = (level: Level, size: number, strong: boolean): LayerSpecification => ({
    id: `${level}-label`,
    type: 'symbol',
    source: `${level}-at`,
    layout: {
      visibility: 'none',
      'text-field': ['get', 'label'],
      'text-font': strong ? FONT.strong : FONT.regular,
      'text-size': size * scale,
      'text-max-width': 7,
      'text-padding': 3,
      'text-line-height': 1.15,
      // A small unit's name moves beside it rather than give way to its neighbour's.
      'text-variable-anchor': ['center', 'bottom', 'top', 'left', 'right'],
      'text-radial-offset': 0.5,
      'symbol-sort-key': ['-', 0, ['coalesce', ['get', 'registered'], 0]],
    },
    paint: { 'text-color': theme.label, ...halo },
  });
  return [
    {
      id: 'lakes-label',
      type: 'symbol',
      source: 'lakes',
      layout: {
        'text-field': ['get', 'label'],
        'text-font': FONT.regular,
        'text-size': 11 * scale,
        'text-max-width': 8,
      },
      paint: { 'text-color': theme.labelQuiet, 'text-halo-color': theme.water, 'text-halo-width': scale },
    },
    unitLabel('precincts', 11, false),
    {
      id: 'settlements-label',
      type: 'symbol',
      source: 'settlements',
      layout: {
        visibility: 'none',
        'text-field': ['get', 'label'],
        'text-font': FONT.regular,
        'text-size': 12 * scale,
        'text-padding': 4,
        'symbol-sort-key': ['-', 0, ['coalesce', ['get', 'population'], 0]],
      },
      paint: { 'text-color': theme.labelQuiet, ...halo },
    },
    unitLabel('raions', 12, false),
    unitLabel('districts', 12, true),
    unitLabel('regions', 13, true),
  ];
}

/** The theme's colours for a style that stands, without loading it anew. */
export function repaint(theme: Theme, scale: number): { layer: string; paint: Record<string, unknown> }[] {
  return baseStyle(theme, scale).layers.map((layer) => ({
    layer: layer.id,
    paint: (layer.paint ?? {}) as Record<string, unknown>,
  }));
}
