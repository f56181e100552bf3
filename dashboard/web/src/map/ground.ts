import type { Ground } from './shade';

/** Everything on the map that is not a result, and the sequential scales, for one theme. */
export interface Theme extends Ground {
  sea: string;
  neighbour: string;
  neighbourLine: string;
  water: string;
  hatch: string;
  line: string;
  parentLine: string;
  firm: string;
  chosen: string;
  label: string;
  labelQuiet: string;
  halo: string;
  focus: string;
}

export const LIGHT: Theme = {
  sea: '#f4f4f1',
  neighbour: '#f4f4f1',
  neighbourLine: '#dcdcd6',
  land: '#ffffff',
  water: '#d3e2ea',
  tie: '#b9bdc1',
  hatch: '#d3d6d8',
  line: '#ffffff',
  parentLine: '#4a5157',
  firm: '#22272b',
  chosen: '#111417',
  label: '#1c2126',
  labelQuiet: '#72797f',
  halo: '#ffffff',
  focus: '#4b3fd1',
  margin: [0.5, 0.75, 1],
  reported: ['#d3e5ec', '#a3c8d8', '#6aa3bd', '#37789a', '#0e4a6b'],
  turnout: ['#f3e8d4', '#ead2a5', '#dcb777', '#c8974d', '#a9762d', '#835618', '#5c3a0c'],
};

export const DARK: Theme = {
  sea: '#111417',
  neighbour: '#111417',
  neighbourLine: '#272c31',
  land: '#1d2226',
  water: '#0f2b3b',
  tie: '#5c6369',
  hatch: '#3a4147',
  line: '#14171a',
  parentLine: '#aeb6bc',
  firm: '#e6eaed',
  chosen: '#ffffff',
  label: '#f0f3f5',
  labelQuiet: '#b9c1c7',
  halo: '#14171a',
  focus: '#b3abff',
  margin: [0.6, 0.8, 1],
  reported: ['#1f3d4c', '#2a5a71', '#377b99', '#4da0c2', '#8fd0ea'],
  turnout: ['#35291a', '#523d20', '#735426', '#966f30', '#ba8d43', '#dbb068', '#f4d9a2'],
};
