/** Address of the program that the map's workers run (maplibre.ts beside vite.config.ts). */
declare module 'virtual:maplibre-worker' {
  const url: string;
  export default url;
}
