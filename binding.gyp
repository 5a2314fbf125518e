{
  'targets': [
    {
      'target_name': 'numacast',
      'conditions': [
        ['OS!="linux"', { 'type': 'none' }],
        ['OS=="linux"', {
          'sources': ['<!@(node native/sources.mjs)'],
          # Node-API and warnings are set there; no exception can cross into JavaScript, because there are none.
          'cflags': ['<!@(node native/flags.mjs)', '-fvisibility=hidden'],
          'cflags_cc': ['-std=c++20', '-fno-exceptions'],
          'cflags_cc!': ['-std=gnu++17', '-std=gnu++20'],
        }],
      ],
    },
  ],
}
