/** Keys of labels with this prefix state facts about the machine. Only numacast sets them. */
export const machineLabelPrefix = 'numacast.io/'

export const MachineLabel = {
  /** The host name as the worker's process sees it. */
  host: 'numacast.io/host',
  /** The failure domain that the host is in, where the worker was told one. */
  zone: 'numacast.io/zone',
  /** The id of the NUMA node whose collector the worker reports to. */
  numaNode: 'numacast.io/numa-node',
  /** The model of the CPUs, as the kernel names it. */
  cpuModel: 'numacast.io/cpu-model',
} as const
export type MachineLabel = (typeof MachineLabel)[keyof typeof MachineLabel]
