export { FleetView } from './views/fleet-view.js'
export type { FleetViewOptions } from './views/fleet-view-options.js'
