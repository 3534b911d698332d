// Written by scripts/generate-syscall-catalogue from Core/Catalogue/arguments.txt; change those instead.

/// By name of a call: where its arguments start, times 8, and how many they are; -1 for none that are known.
let argumentStarts: [Int32] = [
  -1, -1, -1, 3, 28, 58, 73, 85, 121, -1, 129, 138, -1, -1, -1, 155, 179, -1, -1, 201, -1, 212,
  242, 258, 273, 282, 299, -1, 321, 330, -1, 346, -1, 362, -1, 380, -1, 410, -1, 429, 466, 481,
  491, 515, 542, 586, -1, 602, 617, 626, 643, 665, 673, 684, -1, 718, 766, 812, -1, 841, 850, 867,
  893, 929, 937, 947, 972, 1004, -1, 1036, 1066, 1085, 1121, 1130, 1147, 1172, 1203, -1, 1229,
  1267, -1, 1289, 1300, 1333, 1373, 1411, 1435, 1458, 1472, 1474, 1493, 1533, 1571, 1594, 1611,
  1634, -1, -1, 1650, -1, 1665, -1, 1674, -1, 1694, 1740, -1, 1774, 1821, 1860, 1891, -1, 1917,
  1955, 1977, -1, 1987, 2010, 2027, 2051, 2072, -1, 2072, -1, 2072, -1, 2074, -1, 2090, 2107, 2129,
  2136, 2136, -1, 2136, 2138, 2155, 2179, -1, 2203, -1, 2226, 2242, 2257, 2267, 2293, 2328, 2330,
  2344, -1, 2348, 2382, -1, -1, 2427, 2451, 2472, 2473, 2482, 2499, 2521, 2533, 2574, -1, 2618,
  2635, 2662, 2708, 2738, 2755, 2779, 2801, 2810, 2827, -1, 2853, 2893, 2932, 2965, 3002, 3020,
  3051, 3074, 3091, -1, 3116, 3146, 3165, 3202, 3220, 3251, 3277, 3315, -1, 3339, 3362, 3379, 3405,
  3444, 3475, 3500, 3530, -1, 3547, 3571, 3598, 3643, 3666, 3681, 3692, 3723, 3746, 3763, 3787,
  3812, 3842, 3859, 3881, 3894, -1, 3939, 3965, 4005, 4045, 4086, 4131, -1, 4155, 4178, 4196, 4229,
  -1, 4269, -1, 4305, 4317, 4355, 4379, 4402, 4421, 4460, 4491, 4514, 4528, 4530, 4549, 4586, 4604,
  -1, -1, -1, -1, -1, -1, -1, 4635, 4659, 4683, 4709, 4748, 4780, 4808, -1, -1, -1, 4813, 4849,
  4859, 4882, 4900, 4929, 4938, 4954, 4970, 4985, 4996, 5027, 5053, -1, 5093, 5132, 5165, 5206,
  5252, 5285, 5322, 5342, 5390, -1, -1, 5438, -1, 5484, -1, 5516, 5549, 5590, -1, 5636, 5668, 5699,
  5723, -1, 5747, 5772, 5803, 5828, -1, 5862, 5909, -1, 5947, 5973, 6010, 6028, 6058, 6076, 6109,
  6148, 6176, 6177, 6188, 6220, 6250, 6268, 6299, 6320, 6322, 6340, -1, 6372, 6401, 6409, 6419,
  6444, 6474, 6489, 6498, -1, 6515, 6539, 6562, 6579, 6600, 6603, -1, 6629, 6668, 6699, 6723, 6748,
  -1, -1, 6780, -1, 6812, 6843, 6870, 6915, 6940, 6970, 6985, 6993, -1, 7002, 7017, -1, 7025, -1,
  7033, -1, 7042, -1, 7058, 7075, 7098, 7114, 7131, 7154, -1, 7171, -1, 7195, -1, 7218, -1, 7234,
  7248, 7253, 7290, 7305, -1, 7317, 7358, -1, 7403, 7427, 7449, 7459, 7482, -1, 7498, -1, 7515,
  7540, -1, -1, -1, -1, 7571, -1, 7596, 7630, -1, 7674, -1, 7690, -1, 7708, 7741, -1, -1, 7777,
  7786, 7802, 7819, 7840, 7844, -1, 7873, 7883, 7905, 7915, 7940, 7971, 7993, 8003, 8025, 8033,
  8042, -1, 8060, -1, 8090, 8106, -1, 8124, -1, 8153, 8162, 8178, -1, -1, -1, -1, 8193, -1, 8202,
  8217, 8225, 8235, 8257, 8265, 8273, -1, -1, 8282, 8298, 8316, -1, 8346, 8360, 8360, -1, -1, 8364,
  -1, 8396, 8429, -1, 8467, 8491,
]

/// Kind and extent of each argument, as ``SyscallArgument`` unpacks them.
let argumentValues: [UInt32] = [
  1, 12, 13, 1, 12, 13, 0, 3, 0, 3, 3, 3, 1477, 0, 0, 26663, 0, 0, 16, 1, 1349, 0, 0, 1351, 0, 2,
  1, 2085, 5158, 0, 1063, 3110, 1061, 3109, 3, 3, 0, 3, 0, 0, 3, 0, 26663, 0, 2086, 0, 2086, 0, 0,
  2085, 2086, 0, 2085, 0, 2, 550, 2, 2, 1221, 0, 1, 0, 0, 0, 1, 1349, 0, 1, 1063, 1, 1063, 0, 0, 3,
  0, 3, 0, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0, 1, 1048613, 1, 1048902, 0, 0, 1733, 0, 1, 1048902, 0,
  2085, 1733, 0, 1, 1048902, 0, 0, 0, 0, 0, 3, 4, 4, 1, 3, 4, 4, 0, 0, 0, 1, 3, 0, 1, 3, 0, 0, 1,
  0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 3, 1, 1, 0, 1, 3, 0, 1, 3, 0, 0, 1, 0, 0, 1, 3, 0, 0, 0,
  1, 0, 16, 1, 1, 3, 1478, 0, 1, 3, 1478, 0, 0, 1, 3, 1477, 0, 0, 1, 3, 0, 1, 1350, 0, 1, 0, 1, 3,
  1, 0, 3, 16, 0, 1, 3, 1477, 0, 0, 1, 0, 0, 3, 0, 1, 3, 0, 1, 524326, 1, 15398, 1, 1, 0, 2, 0, 0,
  16, 2, 0, 6181, 0, 0, 0, 2, 0, 0, 0, 2085, 0, 24773, 0, 0, 2085, 0, 2, 0, 0, 0, 1, 3, 4133, 550,
  16, 0, 2, 0, 0, 1062, 1062, 16, 550, 550, 2, 1222, 0, 1, 1350, 0, 1, 1350, 0, 0, 4166, 0, 4134,
  1, 12, 13, 0, 0, 0, 1222, 0, 0, 550, 550, 550, 550, 550, 550, 0, 2086, 0, 18470, 0, 1, 12, 13, 1,
  0, 0, 12, 13, 2086, 1062, 3, 3, 1478, 0, 1, 3, 0, 3, 1735, 0, 1221, 0, 3, 1, 3, 0, 0, 1, 0, 0,
  8229, 4134, 0, 0, 0, 0, 33094, 2085, 0, 0, 0, 33094, 2085, 16, 0, 1063, 0, 0, 16, 1, 0, 0, 0,
  1733, 0, 1, 0, 16, 0, 0, 15399, 1, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0,
  1349, 0, 2, 0, 32965, 0, 0, 16, 16, 16, 16, 0, 0, 1, 0, 16, 0, 1221, 0, 0, 1, 0, 3, 0, 0, 3, 3,
  1478, 0, 3, 3, 1, 3, 1, 3, 0, 1, 0, 4133, 8518, 0, 0, 3, 1350, 0, 1, 3, 0, 1606, 0, 3, 1350, 0,
  0, 1350, 0, 3, 3, 1, 0, 0, 3, 3, 1477, 0, 0, 0, 16, 551, 0, 16, 551, 0, 0, 1349, 0, 0, 3, 524326,
  2, 0, 0, 2, 0, 0, 2, 0, 0, 16, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 16, 16, 2, 0, 16, 3, 0, 1, 3, 0, 3,
  0, 0, 1, 3, 0, 0, 2, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 16, 0, 3, 3, 3, 0, 3, 1, 3, 0, 1605, 0,
  1, 3, 1, 3, 0, 0, 0, 8389, 4293, 4294, 0, 2, 0, 0, 1, 8229, 8230, 1, 8229, 3, 0, 0, 8229, 1,
  1350, 0, 550, 2085, 1, 1349, 0, 0, 2085, 3, 2, 0, 0, 0, 2, 2, 0, 0, 0, 0, 16, 0, 0, 0, 16, 0, 0,
  0, 0, 16, 0, 0, 2, 0, 0, 2, 0, 2, 0, 1, 3, 16, 550, 0, 2085, 2086, 1, 3, 524326, 0, 3, 0, 0, 1,
  16, 0, 1, 3, 0, 1, 3, 0, 1605, 0, 1, 3, 0, 0, 1, 3, 1477, 0, 16, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1,
  0, 16421, 0, 1062, 1062, 0, 3, 3, 0, 0, 0, 2, 0, 0, 0, 8391, 0, 0, 8391, 0, 2087, 1605, 0, 0, 16,
  16, 16, 16, 1, 1350, 0, 0, 1, 1353, 0, 0, 0, 1, 1353, 0, 0, 0, 0, 0, 0, 2085, 2086, 1, 1352, 0,
  0, 0, 1, 0, 0, 1353, 0, 16965, 0, 0, 0, 1352, 0, 16965, 0, 0, 0, 14, 14, 14, 2087, 15, 0, 0, 2,
  16, 1, 1349, 0, 0, 1, 1352, 0, 0, 0, 1, 1352, 0, 0, 0, 0, 0, 3, 0, 16, 1, 0, 0, 16, 1, 1350, 0,
  1, 0, 0, 3, 1350, 0, 1, 3, 1478, 0, 1, 1353, 0, 0, 0, 0, 16, 1, 1350, 0, 0, 12, 13, 1, 16, 0, 0,
  2087, 1, 11, 0, 2, 0, 0, 0, 0, 3, 3, 1, 3, 0, 3, 3, 3, 1, 3, 1, 3, 1, 3, 1, 3, 0, 3, 3, 3, 0, 3,
  2, 0, 0, 0, 0, 4133, 4134, 0, 1222, 0, 0, 1477, 1478, 0, 0, 0, 16421, 1221, 0, 1477, 16422, 2085,
  0, 0, 0, 0, 16421, 0, 0, 0, 0, 1222, 0, 1350, 0, 0, 0, 550, 0, 0, 2086, 0, 0, 1221, 0, 16, 0, 0,
  549, 0, 0, 549, 0, 0, 16, 0, 14, 14, 14, 2087, 0, 0, 0, 16, 0, 0, 0, 0, 6469, 0, 0, 6469, 0,
  2085, 1, 1, 1063, 0, 1, 16, 0, 0, 1, 10, 0, 1, 1349, 0, 0, 1733, 0, 0, 16, 0, 0, 0, 0, 0, 2, 0,
  16, 2, 1221, 0, 0, 0, 0, 0, 4165, 1221, 0, 0, 4133, 4134, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 2085, 1, 0, 0, 1605, 0, 2085, 1061, 0, 3, 3, 1477, 0, 0, 1, 3, 0, 3, 1733, 0, 0,
  2, 0, 0, 0, 16, 2, 0, 0, 0, 1, 0, 3109, 3110, 1, 1349, 0, 1, 1349, 0, 0, 0, 0, 0, 0, 0, 0, 1062,
  1, 1063, 1, 1063, 0, 0, 3, 524326, 3, 15398, 4133, 1350, 0, 0, 1, 3, 0, 0, 32806, 3, 3, 0, 3, 3,
  3, 1, 3, 1, 0, 0, 0, 1, 0, 16, 16, 14374, 0, 1350, 0, 1, 1, 0, 0, 0, 0, 0, 1062, 0, 8229, 550, 0,
  0, 0, 4134, 0, 0, 4133, 4134, 0, 0, 1, 4134, 1, 0, 4133, 4134, 4134, 0, 0, 3, 0, 0, 3, 0, 49958,
  3, 1, 3, 0, 0, 3, 0, 0, 4134, 3, 2085, 1, 3, 4133, 0, 3, 4133, 1, 1352, 0, 0, 0, 550, 0, 18470,
  0, 0, 16422, 0, 18470, 1, 1349, 0, 1, 1352, 0,
]

/// All names of arguments, one after the other.
let argumentNames: StaticString = """
  fdaddraddrlenfdaddraddrlenflagsfilenamemodenametypedescriptionpayloadplendestringidtxc_pse\
  condsoptionarg2fdaddraddrlencmdattrsizebrkfdcstat_rangecstatflagsheaderdataptrheaderdatafi\
  lenamefilenamemodefilenameusergroupfilenamewhich_clocktxwhich_clocktpwhich_clocktpwhich_cl\
  ockflagsrqtprmtpwhich_clocktpclone_flagsnewspparent_tidchild_tidtlsuargssizefdfdmax_fdflag\
  sfdaddraddrlenfd_inoff_infd_outoff_outlenflagspathnamemodename_userflagsfildesoldfdnewfdol\
  dfdnewfdflagssizeflagsepfdopfdeventepfdeventsmaxeventstimeoutsigmasksigsetsizeepfdeventsma\
  xeventstimeoutsigmasksigsetsizeepfdeventsmaxeventstimeoutcountcountflagsfilenameargvenvpdf\
  dfilenameargvenvpflagserror_codeerror_codedfdfilenamemodedfdfilenamemodeflagsfdoffsetlenad\
  vicefdmodeoffsetlenflagsevent_f_flagsfanotify_fdflagsmaskfdpathnamefdfdmodedfdfilenamemode\
  dfdfilenamemodeflagsfdusergroupdfdfilenameusergroupflagfdcmdargfdfdnamevaluesizedfdpathatt\
  rsizeat_flagsdfdpathattrsizeat_flagsfduargsflagsfdlistsizefdcmdfdnamefs_fdcmdkeyvalueauxfd\
  namevaluesizeflagsfs_fdflagsms_flagsfs_nameflagsdfdpathflagsfdstatbuffdbuffdfdlengthuaddro\
  pvalutimeuaddr2val3waitersflagsnr_wakenr_requeueuaddrvalmaskflagstimeoutclockidwaitersnr_f\
  utexesflagstimeoutclockiduaddrmasknrflagsdfdfilenameutimespolicynmaskmaxnodeaddrflagspidhe\
  ad_ptrlen_ptru_infocpunodecachebufsizefddirentcountfddirentcountgidsetsizegrouplistwhichva\
  luefdaddraddrlenpidwhichwhobufcountflagsrgidegidsgidruideuidsuidresourcerlimwhorupidfdaddr\
  addrlenfdleveloptnameoptvaloptlentvtzpathnamevaluesizedfdpathat_flagsnameargssizeumodlenua\
  rgsfdpathmaskflagsfdwdctx_idiocbresultctxctx_idmin_nrnreventstimeoutctx_idmin_nrnreventsti\
  meoutsignr_reqsctxctxnriocbppfdto_submitmin_completeflagsargpargszfdopargnr_argsentriespfd\
  cmdargfromnumonlevelwhichwhowhichwhoiopriopid1pid2typeidx1idx2kernel_fdinitrd_fdcmdline_le\
  ncmdlineflagsentrynr_segmentssegmentsflagscmdarg2arg3arg4arg5pidsigruleset_fdrule_typerule\
  _attrflagsattrsizeflagsruleset_fdflagsfilenameusergrouppathnamevaluesizeoldnamenewnameoldd\
  fdoldnamenewdfdnewnameflagsfdbacklogreqmnt_idsnr_mnt_idsflagspathlistsizedfdpathat_flagsli\
  stsizepathlistsizecookie64buflenpathnamefdoffsetwhencepathnamevaluesizeflagsattrctxsizefla\
  gsidssizeflagsattrctxsizeflagsfilenamestatbufstartlenbehavioraddrsizeflagsstartlenmodenmas\
  kmaxnodeflagscmdflagscpu_idunameflagsflagspidmaxnodefromtostartlenvecpathnamemodedfdpathna\
  memodefilenamemodedevdfdfilenamemodedevstartlenstartlenflagsflagsaddrlenprotflagsfdofffunc\
  ptrbytecountdev_namedir_nametypeflagsdatadfdpathflagsuattrusizefrom_dfdfrom_pathto_dfdto_p\
  athflagspidnr_pagespagesnodesstatusflagsstartlenprotmqdesmqstatomqstatmqdesnotificationnam\
  eoflagmodeattrmqdesmsg_ptrmsg_lenmsg_prioabs_timeoutmqdesmsg_ptrmsg_lenmsg_prioabs_timeout\
  nameaddrold_lennew_lenflagsnew_addrstartlenflagsmsqidcmdbufkeymsgflgmsqidmsgpmsgszmsgtypms\
  gflgmsqidmsgpmsgszmsgflgstartlenflagsstartlenaddrlendfdnamehandlemnt_idflagrqtprmtpdfdfile\
  namestatbufflagfilenameflagsmodemountdirfdhandleflagsdfdpathflagsdfdpathflagsattrsizedfdfi\
  lenameflagsmodedfdfilenamehowusizeattr_uptrpidcpugroup_fdflagspersonalitypidfdfdflagspidfl\
  agspidfdsiginfoflagsfildesfildesflagsnew_rootput_oldflagsinit_valpkeystartlenprotpkeyufdsn\
  fdstimeoutufdsnfdstspsigmasksigsetsizeoptionarg2arg3arg4arg5fdbufcountposfdvecvlenpos_lpos\
  _hfdvecvlenpos_lpos_hflagspidresourcenew_rlimold_rlimpidfdvecvlenbehaviorflagspidfdflagspi\
  dlvecliovcntrvecriovcntflagspidlvecliovcntrvecriovcntflagsninpoutpexptspsigrequestpidaddrd\
  atafdbufcountposfdvecvlenpos_lpos_hfdvecvlenpos_lpos_hflagscmdspecialidaddrfdcmdidaddrfdbu\
  fcountfdoffsetcountpathbufbufsizdfdpathbufbufsizfdvecvlenmagic1magic2cmdargfdbufsizeflagsa\
  ddraddrlenfdmsgvlenflagstimeoutfdmsgflagsstartsizeprotpgoffflagspathnamedfdpathat_flagsnam\
  eoldnamenewnameolddfdoldnamenewdfdnewnameolddfdoldnamenewdfdnewnameflagstypedescriptioncal\
  lout_infodestringidpathnamerseqrseq_lenflagssigsigactoactsigsetsizesetsigsetsizehowsetoset\
  sigsetsizepidsiguinfounewsetsigsetsizeutheseuinfoutssigsetsizetgidpidsiguinfopolicypolicyp\
  idlenmaskpidattrsizeflagspidparampidpidintervalpidlenmaskpidattrflagspidparampidpolicypara\
  mopflagsuargsninpoutpexptvpsemidsemnumcmdargkeynsemssemflgsemidsopsnsopssemidsopsnsopstime\
  outout_fdin_fdoffsetcountfdmsgvlenflagsfdmsgflagsfdbuflenflagsaddraddrlenmodenmaskmaxnodes\
  tartlenhome_nodeflagsheadlenu_infotidptrnamelengiduidgidgidsetsizegrouplistnamelenwhichval\
  ueovaluefdnstypepidpgidwhichwhonicevalrgidegidrgidegidsgidruideuidsuidruideuidresourcerlim\
  fdleveloptnameoptvaloptlentvtzuidpathnamevaluesizeflagsdfdpathat_flagsnameargssizeshmidshm\
  addrshmflgshmidcmdbufshmaddrkeysizeflagfdhowussuossufduser_masksizemaskufduser_masksizemas\
  kflagsfamilytypeprotocolfamilytypeprotocolsvfd_inoff_infd_outoff_outlenflagsfilenamestatbu\
  fpathbufreqbufbufsizeflagsdfdpathflagsmaskbufferspecialfilespecialfileswap_flagsoldnewoldn\
  amenewdfdnewnamefdoffsetnbytesflagsfdoptionarg1arg2infotypebuflenfdinfdoutlenflagstgidpids\
  igtlocwhich_clocktimer_event_speccreated_timer_idtimer_idtimer_idtimer_idsettingtimer_idfl\
  agsnew_settingold_settingclockidflagsufdotmrufdflagsutmrotmrtbufpidsigpathlengthmasknamefl\
  agsnamepathnamedfdpathnameflagunshare_flagslibraryflagsdevubuffilenametimesdfdfilenameutim\
  esflagsfilenameutimesfdiovnr_segsflagspidstat_addroptionsruwhichpidinfopoptionsrufdbufcoun\
  tfdvecvlen
  """

/// Where each name begins, and the end of the last.
let argumentNameOffsets: [UInt16] = [
  0, 2, 6, 13, 15, 19, 26, 31, 39, 43, 47, 51, 62, 69, 73, 83, 88, 95, 101, 105, 107, 111, 118,
  121, 125, 129, 132, 134, 145, 150, 155, 161, 168, 174, 178, 186, 194, 198, 206, 210, 215, 223,
  234, 236, 247, 249, 260, 262, 273, 278, 282, 286, 297, 299, 310, 315, 325, 334, 337, 342, 346,
  348, 350, 356, 361, 363, 367, 374, 379, 385, 391, 398, 401, 406, 414, 418, 427, 432, 438, 443,
  448, 453, 458, 463, 467, 472, 476, 478, 480, 485, 489, 495, 504, 511, 518, 528, 532, 538, 547,
  554, 561, 571, 575, 581, 590, 597, 602, 607, 612, 620, 624, 628, 631, 639, 643, 647, 652, 662,
  672, 675, 683, 687, 690, 698, 702, 707, 709, 715, 718, 724, 726, 730, 736, 739, 744, 757, 768,
  773, 777, 779, 787, 789, 791, 795, 798, 806, 810, 813, 821, 825, 830, 832, 836, 841, 844, 852,
  856, 861, 865, 867, 870, 873, 875, 877, 881, 886, 890, 893, 897, 901, 905, 913, 916, 920, 924,
  928, 936, 938, 943, 948, 950, 954, 958, 960, 963, 965, 969, 974, 977, 980, 985, 988, 990, 994,
  999, 1003, 1008, 1013, 1018, 1026, 1033, 1038, 1041, 1045, 1050, 1052, 1059, 1061, 1064, 1066,
  1068, 1074, 1079, 1081, 1084, 1089, 1095, 1099, 1106, 1111, 1118, 1128, 1133, 1136, 1140, 1145,
  1152, 1159, 1166, 1176, 1181, 1188, 1195, 1200, 1204, 1206, 1211, 1214, 1222, 1228, 1234, 1239,
  1246, 1250, 1255, 1258, 1266, 1273, 1279, 1282, 1286, 1291, 1294, 1298, 1300, 1306, 1311, 1313,
  1319, 1324, 1334, 1343, 1348, 1353, 1355, 1359, 1366, 1369, 1374, 1377, 1380, 1385, 1390, 1394,
  1398, 1402, 1406, 1410, 1414, 1422, 1426, 1429, 1431, 1434, 1436, 1440, 1447, 1449, 1454, 1461,
  1467, 1473, 1475, 1477, 1481, 1485, 1490, 1494, 1497, 1501, 1509, 1513, 1517, 1521, 1525, 1528,
  1533, 1535, 1539, 1543, 1548, 1550, 1552, 1558, 1562, 1568, 1571, 1577, 1583, 1585, 1591, 1598,
  1604, 1610, 1612, 1618, 1625, 1628, 1635, 1638, 1641, 1643, 1649, 1651, 1660, 1672, 1677, 1681,
  1686, 1688, 1690, 1693, 1700, 1707, 1708, 1710, 1713, 1716, 1720, 1723, 1725, 1730, 1735, 1738,
  1743, 1746, 1752, 1756, 1760, 1764, 1768, 1772, 1781, 1790, 1801, 1808, 1813, 1818, 1829, 1837,
  1842, 1845, 1849, 1853, 1857, 1861, 1864, 1867, 1877, 1886, 1895, 1900, 1904, 1908, 1913, 1923,
  1928, 1936, 1940, 1945, 1949, 1953, 1958, 1962, 1969, 1976, 1982, 1989, 1995, 2002, 2007, 2009,
  2016, 2019, 2026, 2036, 2041, 2045, 2049, 2053, 2056, 2060, 2068, 2072, 2076, 2080, 2084, 2088,
  2096, 2099, 2102, 2106, 2110, 2112, 2118, 2124, 2128, 2132, 2137, 2141, 2146, 2150, 2153, 2157,
  2162, 2165, 2169, 2174, 2178, 2181, 2185, 2190, 2198, 2205, 2210, 2213, 2221, 2225, 2229, 2234,
  2239, 2242, 2246, 2251, 2258, 2263, 2266, 2271, 2277, 2282, 2287, 2292, 2295, 2302, 2306, 2308,
  2313, 2316, 2319, 2327, 2331, 2334, 2342, 2346, 2354, 2358, 2361, 2364, 2372, 2376, 2379, 2384,
  2387, 2392, 2395, 2400, 2405, 2409, 2412, 2416, 2421, 2423, 2426, 2430, 2433, 2442, 2450, 2458,
  2462, 2467, 2471, 2474, 2478, 2483, 2488, 2493, 2501, 2510, 2516, 2523, 2528, 2531, 2539, 2544,
  2549, 2555, 2560, 2565, 2568, 2572, 2577, 2583, 2590, 2595, 2607, 2611, 2616, 2620, 2624, 2629,
  2636, 2643, 2651, 2662, 2667, 2674, 2681, 2689, 2700, 2704, 2708, 2715, 2722, 2727, 2735, 2740,
  2743, 2748, 2753, 2756, 2759, 2762, 2768, 2773, 2777, 2782, 2788, 2794, 2799, 2803, 2808, 2814,
  2819, 2822, 2827, 2832, 2835, 2839, 2842, 2845, 2849, 2855, 2861, 2865, 2869, 2873, 2876, 2884,
  2891, 2895, 2903, 2908, 2912, 2922, 2928, 2933, 2936, 2940, 2945, 2948, 2952, 2957, 2961, 2965,
  2968, 2976, 2981, 2985, 2988, 2996, 2999, 3004, 3013, 3016, 3019, 3027, 3032, 3043, 3048, 3050,
  3055, 3058, 3063, 3068, 3071, 3075, 3080, 3086, 3092, 3097, 3105, 3112, 3117, 3125, 3129, 3134,
  3137, 3141, 3145, 3149, 3153, 3160, 3164, 3168, 3171, 3178, 3188, 3194, 3198, 3202, 3206, 3210,
  3212, 3215, 3220, 3223, 3225, 3228, 3232, 3237, 3242, 3244, 3247, 3251, 3256, 3261, 3266, 3269,
  3277, 3285, 3293, 3298, 3301, 3305, 3313, 3318, 3323, 3328, 3331, 3335, 3342, 3346, 3353, 3358,
  3361, 3365, 3372, 3376, 3383, 3388, 3389, 3392, 3396, 3399, 3402, 3405, 3412, 3415, 3419, 3423,
  3425, 3428, 3433, 3436, 3438, 3441, 3445, 3450, 3455, 3457, 3460, 3464, 3469, 3474, 3479, 3482,
  3489, 3491, 3495, 3497, 3500, 3502, 3506, 3508, 3511, 3516, 3518, 3524, 3529, 3533, 3536, 3542,
  3545, 3549, 3552, 3558, 3560, 3563, 3567, 3573, 3579, 3582, 3585, 3587, 3590, 3594, 3599, 3603,
  3610, 3612, 3615, 3619, 3624, 3631, 3633, 3636, 3641, 3646, 3650, 3654, 3659, 3664, 3668, 3672,
  3675, 3679, 3687, 3691, 3698, 3705, 3711, 3718, 3724, 3731, 3737, 3744, 3750, 3757, 3762, 3766,
  3777, 3789, 3799, 3807, 3811, 3819, 3824, 3827, 3830, 3833, 3837, 3847, 3850, 3860, 3863, 3866,
  3870, 3880, 3883, 3886, 3891, 3898, 3908, 3914, 3919, 3922, 3932, 3936, 3939, 3942, 3947, 3953,
  3959, 3962, 3965, 3969, 3972, 3976, 3980, 3985, 3988, 3993, 3996, 3999, 4007, 4010, 4013, 4017,
  4020, 4024, 4029, 4032, 4037, 4040, 4046, 4051, 4053, 4058, 4063, 4064, 4067, 4071, 4074, 4077,
  4082, 4088, 4091, 4094, 4097, 4102, 4108, 4113, 4117, 4122, 4127, 4131, 4136, 4143, 4149, 4154,
  4160, 4165, 4167, 4170, 4174, 4179, 4181, 4184, 4189, 4191, 4194, 4197, 4202, 4206, 4213, 4217,
  4222, 4229, 4234, 4237, 4246, 4251, 4255, 4258, 4264, 4270, 4274, 4277, 4280, 4283, 4286, 4296,
  4305, 4309, 4312, 4317, 4322, 4328, 4330, 4336, 4339, 4343, 4348, 4351, 4358, 4362, 4366, 4370,
  4374, 4378, 4382, 4386, 4390, 4394, 4398, 4406, 4410, 4412, 4417, 4424, 4430, 4436, 4438, 4440,
  4443, 4447, 4451, 4456, 4460, 4465, 4468, 4472, 4480, 4484, 4488, 4492, 4497, 4504, 4510, 4515,
  4518, 4521, 4528, 4531, 4535, 4539, 4541, 4544, 4547, 4551, 4554, 4563, 4571, 4574, 4583, 4591,
  4596, 4602, 4606, 4614, 4620, 4624, 4632, 4634, 4639, 4645, 4651, 4658, 4661, 4666, 4674, 4681,
  4685, 4688, 4691, 4694, 4701, 4706, 4709, 4713, 4718, 4722, 4728, 4739, 4750, 4760, 4763, 4766,
  4773, 4779, 4786, 4788, 4794, 4800, 4805, 4807, 4813, 4817, 4821, 4825, 4829, 4832, 4835, 4839,
  4844, 4847, 4852, 4856, 4859, 4862, 4866, 4877, 4893, 4909, 4917, 4925, 4933, 4940, 4948, 4953,
  4964, 4975, 4982, 4987, 4990, 4994, 4997, 5002, 5006, 5010, 5014, 5017, 5020, 5024, 5030, 5034,
  5038, 5043, 5047, 5055, 5058, 5066, 5070, 5083, 5090, 5095, 5098, 5102, 5110, 5115, 5118, 5126,
  5132, 5137, 5145, 5151, 5153, 5156, 5163, 5168, 5171, 5180, 5187, 5189, 5194, 5197, 5202, 5209,
  5211, 5213, 5216, 5221, 5223, 5226, 5230,
]
