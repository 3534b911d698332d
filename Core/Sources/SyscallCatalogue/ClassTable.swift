// Written by scripts/generate-syscall-catalogue from Core/Catalogue/classes.txt; change those instead.

/// By name of a call: class in 2 bits, error in 8, and the place of its risk.
let classValues: [UInt32] = [
  9216, 71680, 41115, 61440, 61440, 6144, 63495, 25607, 64519, 41115, 69632, 54361, 40091, 40091,
  41115, 3074, 50183, 41115, 41115, 67584, 67584, 40091, 18432, 18432, 65536, 45056, 45056, 45056,
  36871, 64519, 64519, 52224, 52224, 52224, 52224, 52224, 52224, 64519, 64519, 5, 22683, 66560,
  66560, 3074, 40091, 37888, 41115, 63495, 66560, 66560, 66560, 71680, 71680, 71680, 41115, 71680,
  40091, 71680, 41115, 42139, 12288, 51202, 40091, 48128, 48128, 6144, 40091, 40091, 40091, 11264,
  15367, 15367, 65536, 45056, 45056, 40091, 45056, 45056, 45056, 66560, 66560, 11264, 4479, 40091,
  40091, 63495, 4479, 11264, 48128, 7550, 36871, 7550, 36871, 35995, 36871, 6144, 6144, 6144,
  60416, 60416, 11264, 41115, 11264, 11264, 68608, 40091, 68608, 40091, 40091, 40091, 42139, 41115,
  40091, 42139, 42139, 68608, 40091, 6144, 42139, 38912, 72704, 72704, 72704, 72704, 72704, 72704,
  72704, 72704, 40091, 61440, 49152, 49152, 49152, 41115, 49152, 27648, 16384, 72704, 72704, 72704,
  72704, 27648, 27648, 49152, 61440, 44032, 49152, 52224, 72704, 72704, 4479, 40091, 41115, 41115,
  63495, 14336, 42139, 14336, 14336, 10395, 10395, 10395, 10395, 10395, 10395, 10395, 10395, 10395,
  10395, 13413, 24583, 24583, 40091, 40091, 29851, 30727, 63495, 63495, 25607, 59392, 40091, 40091,
  40091, 45056, 45056, 4479, 37888, 37888, 61440, 35995, 4479, 40091, 4479, 41115, 57499, 7550,
  9216, 7550, 56475, 56475, 56475, 6144, 6144, 67584, 40091, 32775, 40091, 31744, 57499, 32775,
  40091, 37888, 37888, 47109, 47109, 33792, 40091, 42139, 67584, 67584, 57499, 19462, 36871, 36871,
  32775, 67584, 41115, 34971, 34971, 34971, 34971, 34971, 34971, 34971, 34971, 67584, 40091, 34971,
  34971, 34971, 34971, 67584, 33792, 42139, 67584, 20487, 52224, 6144, 24583, 27648, 6144, 6144,
  41115, 6144, 41115, 37888, 20487, 35995, 35995, 37888, 40091, 58368, 24583, 24583, 24583, 50183,
  43015, 30727, 59392, 40091, 12288, 12288, 36871, 40091, 40091, 40091, 71680, 71680, 71680, 2137,
  9216, 9216, 40091, 27648, 30727, 30727, 30727, 30727, 41115, 41115, 71680, 71680, 30727, 41115,
  9216, 9216, 40091, 41115, 36871, 36871, 9216, 40091, 42139, 6144, 6144, 9216, 63495, 61440,
  61440, 40091, 40091, 61440, 57499, 7550, 40091, 37888, 37888, 40091, 25607, 68608, 37888, 68608,
  58368, 40091, 58368, 40091, 58368, 58368, 58368, 58368, 40091, 55296, 55296, 55296, 40091, 55296,
  55296, 42139, 42139, 55296, 40091, 53255, 53255, 55296, 21659, 41115, 71680, 42139, 42139, 42139,
  42139, 42139, 29851, 8192, 8192, 3074, 3074, 3074, 32775, 32775, 68608, 42139, 68608, 68608,
  64519, 23559, 23559, 23559, 23559, 73728, 73728, 73728, 73728, 64519, 69632, 36871, 49152, 27648,
  73728, 73728, 73728, 73728, 73728, 73728, 73728, 73728, 42139, 49152, 26993, 64519, 73728, 73728,
  7550, 40091, 58368, 1024, 1024, 1024, 1024, 61440, 58368, 58368, 58368, 42139, 12288, 58368,
  58368, 58368, 58368, 17797, 29851, 5509, 40091, 58368, 6144, 6144, 60416, 60416, 35995, 6144,
  64519, 41115, 63495, 63495, 37888, 37888, 28679, 40091, 40091, 28679, 41115, 16384, 63495, 40091,
  59392, 52224, 69632, 69632, 69632, 40091, 40091, 69632, 69632, 12288, 40091, 40091, 12288, 12288,
  27648, 59392, 11264, 11264, 41115, 27648, 41115, 65536, 19462, 19462, 16384, 37888, 37888, 36871,
  41115, 62619, 41115, 41115, 41115, 42139, 70656, 70656, 42139, 48128, 24583, 24583, 24583, 46087,
  41115, 48128, 48128, 48128, 9216, 9216,
]

/// By name of a call: where its conditions start; -1 for none.
let classConditionStarts: [Int16] = [
  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 18, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, 24, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 106, 115, -1,
  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 124, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, -1, -1, -1, 172, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, 184, -1, 224, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
  -1, -1,
]

/// Counted alternatives of counted tests: argument, mask, counted values.
let classConditions: [UInt32] = [
  1, 1, 0, 4294967295, 13, 4097, 4098, 4099, 4100, 4113, 4129, 4130, 4131, 20481, 20482, 20483,
  20484, 20485, 1, 1, 0, 2114060288, 1, 0, 5, 1, 1, 4294967295, 15, 21505, 21506, 21507, 21508,
  21509, 21510, 21511, 21512, 21513, 21514, 21515, 2150388778, 1076646955, 1076646956, 1076646957,
  1, 1, 4294967295, 20, 21518, 21519, 21520, 21521, 21523, 21524, 21531, 21536, 21537, 21538,
  21540, 21541, 21543, 21544, 21545, 21569, 21584, 21585, 21586, 21600, 1, 1, 4294967295, 5,
  2147767344, 1074025521, 2147767346, 2147767352, 2147767353, 1, 1, 4294967295, 19, 35073, 35074,
  35075, 35076, 35077, 35078, 35079, 35088, 35090, 35091, 35093, 35095, 35097, 35099, 35101, 35105,
  35111, 35123, 35138, 1, 1, 4294967295, 2, 2148034049, 2147766784, 1, 1, 1, 61440, 4, 0, 4096,
  32768, 49152, 1, 1, 2, 61440, 4, 0, 4096, 32768, 49152, 1, 1, 0, 4294967295, 43, 1, 2, 3, 4, 7,
  8, 15, 16, 21, 22, 23, 24, 27, 28, 29, 30, 36, 37, 38, 39, 40, 41, 42, 47, 50, 51, 52, 53, 54,
  55, 56, 60, 61, 63, 64, 65, 66, 74, 75, 76, 1096112214, 1398164801, 1499557217, 1, 1, 1,
  4294967295, 7, 0, 1, 6, 17, 41, 58, 270, 3, 2, 0, 4294967295, 1, 1, 1, 15, 3, 1, 2, 5, 3, 0,
  4294967295, 2, 2, 10, 1, 15, 2, 1, 2, 2, 4294967295, 5, 0, 1, 6, 17, 58, 2, 0, 4294967295, 1, 16,
  2, 4294967295, 1, 0, 1, 1, 0, 4294967295, 1, 1,
]

/// All risks, one after the other.
let classRisks: StaticString = """
  CLONE_NEW*: namespaces open parts of the kernel that only root reaches otherwise (CVE-2022\
  -0185)System V IPC of the container's own namespacea drawer of a hundred things; those tha\
  t programs and C libraries ask foraddresses; where the network ends is the egress policy's\
   businessas a file system without attributesas socketattributes of the container's filesat\
  tributes that security modules read; judged where the policy has "nested"bytes between ope\
  n files; pages are shared with pipes (CVE-2022-0847)bytes of a file that is open alreadyca\
  lls that no filter sees; most of the kernel's recent escapescontents of the container's fi\
  lesdescriptors of the process's ownentry of every driver; terminals, sockets and files wit\
  hout what puts words into a terminal (TIOCSTI, TIOCLINUX)events of files in sightevents of\
   whole file systemsfacts and randomnessfamilies of protocols, of which most are seldom use\
  d and often broken (AF_ALG: CVE-2026-31431; AF_PACKET, AF_VSOCK)fewer capabilitiesfile sys\
  tems, made by the runtime, or emulated where the policy has "nested"files by number, whate\
  ver directory they are in (CVE-2014-3519)filters of the container's own go through prctl, \
  which makes no listenerflags that a filter can't see; C libraries then use clonefor file s\
  ervers in the kernel's steadhardwarekeys are not kept apart by namespaceslevels of options\
  ; those of netfilter, SCTP and TLS have been ways into the kernellimits and usemakes the w\
  hole host writemany calls behind one number that a filter can't tell apartmemory and descr\
  iptors of other processesmemory as a file; it can be executed where exec is "any"memory of\
   the whole machinememory that is not swapped, as far as the limit goesmessage queues, whic\
  h hardly any program usesmountsmounts and namespaces (CVE-2022-0185, CVE-2022-0492)names b\
  elow the container's rootnames in a directorynewer or rarer ways to what other calls doof \
  the pastold or rare; programs have another wayold personalities turn off protections of me\
  moryoptions of a socket, readowner and mode, as far as the user namespace goespages of the\
   process in pipes (CVE-2008-0600)pipes, sockets and files; devices are made by the runtime\
  processes of the containerprocesses of the pid namespaceprograms in the kernel, counters o\
  f everybodyprograms that come from outside of the imagereading clocks, sleepingreal-time p\
  riorityregisters of the thread, features of the processorscheduling, as far as limits gose\
  curity modules of the hostseldom used, and each has had its CVEs (CVE-2017-17053, CVE-2023\
  -6606)signals of the process's ownsignals within the pid namespacesize and kind of a file \
  systemsockets that are there alreadystops the kernel in the middle of a copy, which makes \
  races sure to be wonthe hostthe host's clocks and namesthe process's ownthe process's own \
  descriptorsthe process's own memorythreadstimers of the process's owntimes of the containe\
  r's fileswaiting for descriptorswho the process iswho the process is, as far as its capabi\
  lities go
  """

/// Where each risk begins, and the end of the last.
let classRiskOffsets: [UInt16] = [
  0, 96, 141, 214, 279, 314, 323, 358, 433, 502, 538, 600, 633, 665, 777, 801, 829, 849, 964, 982,
  1058, 1121, 1193, 1250, 1288, 1296, 1333, 1415, 1429, 1455, 1514, 1555, 1611, 1638, 1690, 1735,
  1741, 1793, 1825, 1845, 1887, 1898, 1936, 1984, 2009, 2058, 2103, 2160, 2186, 2216, 2261, 2305,
  2329, 2347, 2397, 2428, 2456, 2526, 2554, 2586, 2616, 2646, 2720, 2728, 2755, 2772, 2801, 2825,
  2832, 2859, 2889, 2912, 2930, 2979,
]
