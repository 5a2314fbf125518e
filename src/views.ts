export { FleetView, type FleetViewOptions } from './views/fleet-view.js'
