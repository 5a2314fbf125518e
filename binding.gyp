{
  'targets': [
    {
      'target_name': 'numacast',
      'conditions': [
        ['OS!="linux"', { 'type': 'none' }],
        ['OS=="linux"', {
          'sources': [
            'native/src/addon.cc',
            'native/src/bind_placement.cc',
            'native/src/bind_readings.cc',
            'native/src/bind_watches.cc',
            'native/src/cgroup_place.cc',
            'native/src/cpu_section.cc',
            'native/src/cpuset_section.cc',
            'native/src/headroom_reader.cc',
            'native/src/host_memory.cc',
            'native/src/hugetlb_reading.cc',
            'native/src/id_set.cc',
            'native/src/kept_file.cc',
            'native/src/memory_section.cc',
            'native/src/mount_table.cc',
            'native/src/numa_topology.cc',
            'native/src/pids_section.cc',
            'native/src/placement.cc',
            'native/src/poll_watch.cc',
            'native/src/pressure_section.cc',
            'native/src/process_exit.cc',
            'native/src/process_stat.cc',
            'native/src/root_dir.cc',
            'native/src/sample.cc',
            'native/src/text.cc',
            'native/src/to_js.cc',
          ],
          # No exception can cross into JavaScript, because there are none.
          'defines': ['NAPI_VERSION=8', 'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED'],
          # Warnings are errors in CI only: a user's newer compiler, with new warnings, must still get an addon.
          # -Wrestrict reports nonsense for std::string in GCC 12 (its bug 105651).
          'cflags': [
            '-isystem', '<!(node -p "require(\'path\').dirname(require.resolve(\'node-addon-api\'))")',
            '-Wall', '-Wextra', '-Wshadow', '-Wconversion', '-Wno-unused-parameter', '-Wno-restrict',
            '<!(node -p "process.env.NUMACAST_CI === \'1\' ? \'-Werror\' : \'-Wno-error\'")',
            '-fvisibility=hidden',
          ],
          'cflags_cc': ['-std=c++20', '-fno-exceptions'],
          'cflags_cc!': ['-std=gnu++17', '-std=gnu++20'],
        }],
      ],
    },
  ],
}
