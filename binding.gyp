{
  'targets': [
    {
      'target_name': 'numacast',
      'conditions': [
        ['OS!="linux"', { 'type': 'none' }],
        ['OS=="linux"', {
          'sources': ['<!@(node native/sources.mjs)'],
          # No exception can cross into JavaScript, because there are none.
          'defines': ['NAPI_VERSION=8', 'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED'],
          'cflags': ['<!@(node native/flags.mjs)', '-fvisibility=hidden'],
          'cflags_cc': ['-std=c++20', '-fno-exceptions'],
          'cflags_cc!': ['-std=gnu++17', '-std=gnu++20'],
        }],
      ],
    },
  ],
}
