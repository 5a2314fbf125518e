import {
  type PlacementRequest,
  type ResolvedRequest,
  resolveRequest,
} from '../../../src/placement/request/placement-request.js'
import type { FleetSource } from './random-fleet.js'

const GiB = 2 ** 30

/** Draws a request for a fleet drawn from the same source. */
export function randomRequest(source: FleetSource): ResolvedRequest {
  const request: PlacementRequest = {
    ...(source.chance(0.7) && {
      capability: source.pick(['transcode@1', 'transcode@2', 'transcode@2', 'transcode@3']),
    }),
    tags: source.some(['region=eu', 'region=*', 'gpu', 'tier=*'], 0.08),
    selector: {
      required: source.some(
        [
          { key: 'rack', values: ['1', '2'] },
          { key: 'disk' },
          { key: 'generation', operator: 'Gt' as const, values: ['1'] },
          { key: 'rack', operator: 'NotIn' as const, values: ['3'] },
        ],
        0.06,
      ),
      forbidden: source.some(
        [
          { key: 'disk', values: ['x'] },
          { key: 'rack', operator: 'DoesNotExist' as const },
        ],
        0.15,
      ),
      preferred: source.some(
        [
          { key: 'rack', values: ['1'], weight: 30 },
          { key: 'disk', operator: 'DoesNotExist' as const, weight: 7 },
          { key: 'generation', operator: 'Lt' as const, values: ['3'] },
        ],
        0.3,
      ),
    },
    tolerations: source.some(
      [
        { key: 'gpu', value: 'true', effect: 'no-schedule' as const },
        { key: 'upgrade', operator: 'Exists' as const, effect: 'no-execute' as const, tolerationSeconds: 60 },
        { operator: 'Exists' as const },
        { key: 'spot' },
      ],
      0.2,
    ),
    cpus: source.pick([0, 0, 0, 0.5, 0.5, 2, 2, 6, 20]),
    memoryBytes: source.pick([0, 0, 0, 1, 1, 4, 4, 12, 80]) * GiB,
    vramBytes: source.pick([null, 4 * GiB, 20 * GiB]),
    numa: source.pick(['any', 'prefer-single', 'single']),
    queue: source.pick([null, 'media', 'mail']),
    shard: source.pick([null, 'shard-1']),
    residents: source.some(['llama', 'whisper'], 0.3),
    strategy: source.pick(['spread', 'pack']),
  }
  return resolveRequest(request)
}
