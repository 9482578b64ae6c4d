BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'callops','1.0.0','2026-12-01 14:16:46.262539+00:00');
CREATE TABLE actions (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    request TEXT NOT NULL REFERENCES requests (id),
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    connection TEXT NOT NULL,
    requester TEXT NOT NULL,
    agent TEXT,
    target_id TEXT,
    scheduled_for INTEGER,
    state TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    maybe_executed INTEGER NOT NULL,
    owner TEXT,
    lease_until INTEGER,
    not_before INTEGER,
    not_after INTEGER,
    code TEXT,
    message TEXT,
    retry TEXT,
    reference TEXT,
    http_status INTEGER,
    ending TEXT,
    end_try INTEGER,
    asked_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    asked_event INTEGER NOT NULL REFERENCES events (seq),
    last_event INTEGER NOT NULL REFERENCES events (seq),
    UNIQUE (request, position)
) STRICT;
INSERT INTO "actions" VALUES(1,'A-3LMR','A-3LMR',1,'place_call','reminders','U0AGENT','payments',NULL,NULL,'succeeded',1,0,NULL,NULL,NULL,NULL,'queued','The provider has it.',NULL,'ck_A-3LMR',200,'busy',NULL,1772452800123456,1772452800123456,1,4);
INSERT INTO "actions" VALUES(2,'A-FGZN','A-FGZN',1,'place_call','reminders','U0AGENT','payments',NULL,NULL,'succeeded',1,0,NULL,NULL,NULL,NULL,'queued','The provider has it.',NULL,'ck_A-FGZN',200,NULL,NULL,1772452800123456,1772452800123456,2,6);
INSERT INTO "actions" VALUES(3,'A-ZD8J','A-ZD8J',1,'cancel_call','reminders','U0AGENT',NULL,NULL,NULL,'approved',0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1772452800123456,1772452800123456,7,8);
INSERT INTO "actions" VALUES(4,'A-C9SQ.1','A-C9SQ',1,'cancel_call','reminders','U0AGENT','payments',NULL,NULL,'denied',0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1772452800123456,1772452800123456,9,11);
INSERT INTO "actions" VALUES(5,'A-C9SQ.2','A-C9SQ',2,'cancel_call','reminders','U0AGENT','payments',NULL,NULL,'denied',0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1772452800123456,1772452800123456,10,12);
INSERT INTO "actions" VALUES(6,'A-9NJC','A-9NJC',1,'place_list','reminders','U0AGENT',NULL,NULL,NULL,'approved',0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1772452800123456,1772452800123456,29,29);
INSERT INTO "actions" VALUES(7,'A-7ZXP','A-7ZXP',1,'place_call','reminders','U0AGENT','payments',NULL,NULL,'approved',0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1772452800123456,1772452800123456,30,30);
INSERT INTO "actions" VALUES(8,'A-ARCL','A-ARCL',1,'place_call','reminders','U0AGENT','payments',NULL,NULL,'withdrawn',0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1772452800123456,1772452800123456,32,33);
CREATE TABLE approvals (
    event INTEGER PRIMARY KEY REFERENCES events (seq),
    request TEXT NOT NULL REFERENCES requests (id),
    person TEXT NOT NULL,
    decision TEXT NOT NULL,
    "group" TEXT,
    members TEXT NOT NULL,
    content TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
INSERT INTO "approvals" VALUES(8,'A-ZD8J','U0MANAGER','approve','S0MANAGERS','U0MANAGER U0SECOND','a hash',1772452800123456);
INSERT INTO "approvals" VALUES(11,'A-C9SQ','U0MANAGER','deny','S0MANAGERS','U0MANAGER U0SECOND','a hash',1772452800123456);
CREATE TABLE call_list_rows (
    id INTEGER PRIMARY KEY,
    list INTEGER NOT NULL REFERENCES call_lists (id),
    line INTEGER NOT NULL,
    number BLOB,
    salt BLOB,
    value TEXT,
    sealed TEXT,
    problem TEXT,
    due_at INTEGER,
    request TEXT REFERENCES requests (id)
) STRICT;
INSERT INTO "call_list_rows" VALUES(1,1,2,NULL,NULL,NULL,'195a844a2098684c89a8fa89af044542d530751dc89d9723088a1326cfefc69d',NULL,NULL,'A-7ZXP');
INSERT INTO "call_list_rows" VALUES(2,1,3,X'BFFFB6D01E8C9103D35663C60F613244DB8A0C409835091ED3151F6966A54671',X'6730935C5C33AAAEEAC9D807477C42FB','
{"kind":"place_call","to":"+919876543211","agent":"payments","at":null,"retries":null,"gap":null,"earliest":null,"latest":null,"carry_over":null,"priority":null,"language":null,"batch":null,"metadata":null}','678733e6d17a512b82924b66097893b42171f9ec078f96059784e0c9043ab074',NULL,1772452800123456,NULL);
CREATE TABLE call_lists (
    id INTEGER PRIMARY KEY,
    person TEXT NOT NULL,
    at INTEGER NOT NULL,
    request TEXT UNIQUE REFERENCES requests (id),
    paused INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO "call_lists" VALUES(1,'U0AGENT',1772452800123456,'A-9NJC',0);
CREATE TABLE deliveries (
    delivery_key TEXT PRIMARY KEY,
    request TEXT NOT NULL REFERENCES requests (id),
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "deliveries" VALUES('row','A-7ZXP',1772452800123456);
CREATE TABLE end_polls (
    action INTEGER PRIMARY KEY REFERENCES actions (n),
    connection TEXT NOT NULL,
    since INTEGER NOT NULL,
    due_at INTEGER NOT NULL
) STRICT;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    request TEXT NOT NULL,
    action TEXT NOT NULL,
    name TEXT NOT NULL,
    actor TEXT NOT NULL,
    data TEXT NOT NULL,
    private TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
INSERT INTO "events" VALUES(1,1772452800123456,'A-3LMR','A-3LMR','requested','U0AGENT','{"agent":"payments","approvals_needed":0,"connection":"reminders","fingerprint":"callkaro:1","kind":"place_call","position":1,"requester":"U0AGENT","rule":"anyone may place a call","state":"approved","team":"T0"}','{"action":"d9ea20949b18f930d24ff39046383607c68fdcaeacedf9e56e2aac657756418d","reason":"eb4be32660c873f5b045c1633485fd6e44e018e3bccc8e544359e8a68fbd3279"}','0000000000000000000000000000000000000000000000000000000000000000','8c1d20126e64fe44a18f1a38894c83a700727236ce38c90e00e1607ea620e296');
INSERT INTO "events" VALUES(2,1772452800123456,'A-FGZN','A-FGZN','requested','U0AGENT','{"agent":"payments","approvals_needed":0,"connection":"reminders","fingerprint":"callkaro:1","kind":"place_call","position":1,"requester":"U0AGENT","rule":"anyone may place a call","state":"approved","team":"T0"}','{"action":"01826dbf90770bffb1263f0663e23f6482f38032586d62beb3f02d091de3ee32","reason":"1b191f3fdc26c7013938e51c3a48e3e2058ca4faa47c9f61af71588359db8a8b"}','8c1d20126e64fe44a18f1a38894c83a700727236ce38c90e00e1607ea620e296','fedc8a05eeb6b6cc8b417e29cffc38c414a8fb6ca751111110e3acd04986ecd1');
INSERT INTO "events" VALUES(3,1772452800123456,'A-3LMR','A-3LMR','sending','one','{"attempt":1,"lease_until":1772452830123456,"owner":"one","state":"sending"}','{}','fedc8a05eeb6b6cc8b417e29cffc38c414a8fb6ca751111110e3acd04986ecd1','824ac0948a19b1d8a3a6e409b5641442003acb473a27fbcb36452e018009c91a');
INSERT INTO "events" VALUES(4,1772452800123456,'A-3LMR','A-3LMR','succeeded','system','{"code":"queued","http_status":200,"message":"The provider has it.","reference":"ck_A-3LMR","state":"succeeded"}','{"raw":"bf50aa7d52e366a3730eb72ef116756da9d4e7d605918d953119f73cb337a737"}','824ac0948a19b1d8a3a6e409b5641442003acb473a27fbcb36452e018009c91a','8c055f6efd3e327b4e4bad3ba9bc4696119bd8eacad8a4276c331c8ce6a05fb1');
INSERT INTO "events" VALUES(5,1772452800123456,'A-FGZN','A-FGZN','sending','one','{"attempt":1,"lease_until":1772452830123456,"owner":"one","state":"sending"}','{}','8c055f6efd3e327b4e4bad3ba9bc4696119bd8eacad8a4276c331c8ce6a05fb1','3be1b2a6232cccf70f429ddd79c5c1c631dd59be603ffa9852b5df30fc2ef049');
INSERT INTO "events" VALUES(6,1772452800123456,'A-FGZN','A-FGZN','succeeded','system','{"code":"queued","http_status":200,"message":"The provider has it.","reference":"ck_A-FGZN","state":"succeeded"}','{"raw":"383bbf349a5e3f2415afd0bf8c00016bca883cc565fa91dc249587110d023327"}','3be1b2a6232cccf70f429ddd79c5c1c631dd59be603ffa9852b5df30fc2ef049','c55404f2a82d854f006c66bdd481b4e93597395c0376630031f2178568b2a822');
INSERT INTO "events" VALUES(7,1772452800123456,'A-ZD8J','A-ZD8J','requested','U0AGENT','{"approvals_needed":1,"connection":"reminders","decide_by":1772481600123456,"fingerprint":"callkaro:1","kind":"cancel_call","position":1,"requester":"U0AGENT","rule":"cancellations need a manager","state":"pending","team":"T0"}','{"action":"36c8bbbe329eaf376b1a520afe822d4b27af096351bde1af84dd39494babcd79"}','c55404f2a82d854f006c66bdd481b4e93597395c0376630031f2178568b2a822','6c3057660ff2545aaa5cd9cdc93531d6297d9223262cccb08d4bf3f9059bbabe');
INSERT INTO "events" VALUES(8,1772452800123456,'A-ZD8J','A-ZD8J','approved','U0MANAGER','{"approval.content":"a hash","approval.decision":"approve","approval.group":"S0MANAGERS","approval.members":"U0MANAGER U0SECOND","approval.person":"U0MANAGER","state":"approved"}','{}','6c3057660ff2545aaa5cd9cdc93531d6297d9223262cccb08d4bf3f9059bbabe','588923dfaf07ef6ade1aa2aea9c7f70674ca406afa7dce2478f4a31eec971fe7');
INSERT INTO "events" VALUES(9,1772452800123456,'A-C9SQ','A-C9SQ.1','requested','U0AGENT','{"agent":"payments","approvals_needed":1,"connection":"reminders","decide_by":1772481600123456,"fingerprint":"callkaro:1","kind":"cancel_call","position":1,"requester":"U0AGENT","rule":"cancellations need a manager","state":"pending","team":"T0"}','{"action":"7ebbcdc2886418826cfbfbff417943f705e2443c9d9a918b5b62d682d68ca272"}','588923dfaf07ef6ade1aa2aea9c7f70674ca406afa7dce2478f4a31eec971fe7','7bd1d47faefb9142587d4ff9eed81ebb5a5c735af436af6723fa936890fc3850');
INSERT INTO "events" VALUES(10,1772452800123456,'A-C9SQ','A-C9SQ.2','requested','U0AGENT','{"agent":"payments","approvals_needed":1,"connection":"reminders","decide_by":1772481600123456,"fingerprint":"callkaro:1","kind":"cancel_call","position":2,"requester":"U0AGENT","rule":"cancellations need a manager","state":"pending","team":"T0"}','{"action":"5b5376001338de247b22c71613197a5322d99434ca8bea3969f9a767b678d0dd"}','7bd1d47faefb9142587d4ff9eed81ebb5a5c735af436af6723fa936890fc3850','f73c90149aa1faea37fb77836de0110342af3666c8b9596c91e8f5837598b62a');
INSERT INTO "events" VALUES(11,1772452800123456,'A-C9SQ','A-C9SQ.1','denied','U0MANAGER','{"approval.content":"a hash","approval.decision":"deny","approval.group":"S0MANAGERS","approval.members":"U0MANAGER U0SECOND","approval.person":"U0MANAGER","state":"denied"}','{}','f73c90149aa1faea37fb77836de0110342af3666c8b9596c91e8f5837598b62a','6167b0b62c0af2f5e7bf6dbf7082b7f01747283e5358e58ea5f35de9228f751e');
INSERT INTO "events" VALUES(12,1772452800123456,'A-C9SQ','A-C9SQ.2','denied','U0MANAGER','{"state":"denied"}','{}','6167b0b62c0af2f5e7bf6dbf7082b7f01747283e5358e58ea5f35de9228f751e','5d69185bdb014d24c34fade6b477d5f8d29cbd904c204fb759a807ea84ec8676');
INSERT INTO "events" VALUES(13,1772452800123456,'S-7W6F','S-7W6F','calls_stopped','U0AGENT','{"sealed":"1240b2e7bccca75b7ebe9e3d3dd207e0d5e2ae0eb31ff8909c2ae0c7142ba563"}','{"number":"4004a924ca6346e05b15d2efd02479302195cc4032da638ab14d2fef455d42f3","reason":"7b420ab9409bdd735ad5b6e7ff4d5796bf7af8679e98f6bbbb0a7a5bcfd506da"}','5d69185bdb014d24c34fade6b477d5f8d29cbd904c204fb759a807ea84ec8676','350e161208d75f36f88a2753a425ef8977a400eab860a96ff759f1b1e0723b78');
INSERT INTO "events" VALUES(14,1772452800123456,'S-G4RA','S-G4RA','calls_stopped','U0AGENT','{"sealed":"6008b0a50132cdff24b2488432767005dd2d453012638dc2dcb938d884eda0db"}','{"number":"666baaf772c41ef79591d4ccfb472ad97c565a68a7700a122e16161232f1df1b"}','350e161208d75f36f88a2753a425ef8977a400eab860a96ff759f1b1e0723b78','ff90bc47a8dbd9b8ea083d2f572014637f98a38130c43171d1b7a84d82ae6b5b');
INSERT INTO "events" VALUES(15,1772452800123456,'S-G4RA','S-G4RA','calls_allowed','U0MANAGER','{}','{"lookup":"412717137699ade3e90277ee99df689fe9084f844662a6b617ed87a18d66169c","number":"5edb309491fdb3943975a5f9d0c9540f4b7b9270c8f13a3783e7c7e52961aaa5","reason":"e4e87ac1632c0d0de27fbd7fbeb2b97f42ff8a464c1695db50f1e6a250335eff"}','ff90bc47a8dbd9b8ea083d2f572014637f98a38130c43171d1b7a84d82ae6b5b','5a32511b29a4343eb44b5832f64e72d3370b4574e3a0ce06ddb47e7020424df9');
INSERT INTO "events" VALUES(16,1772452800123456,'S-JX47','S-JX47','list_import_began','system','{"list":"ndnc"}','{}','5a32511b29a4343eb44b5832f64e72d3370b4574e3a0ce06ddb47e7020424df9','a8782fbd7815017709a943f53192d10c8ddd5d17d8e4898b2551f34f8f68d4a7');
INSERT INTO "events" VALUES(17,1772452800123456,'S-JX47','S-JX47','list_imported','system','{"added":2,"list":"ndnc","numbers":2,"sealed":"b54b8c37ba0c8896780c2e148d6586a67997045c325bc9ae199327580c6b92ae"}','{}','a8782fbd7815017709a943f53192d10c8ddd5d17d8e4898b2551f34f8f68d4a7','635e438d9990c4cf86b73e479a646619909f5b639139f9afb59ed2fcb0460a73');
INSERT INTO "events" VALUES(18,1772452800123456,'S-TLTT','S-TLTT','list_import_began','system','{"list":"ndnc"}','{}','635e438d9990c4cf86b73e479a646619909f5b639139f9afb59ed2fcb0460a73','41cf27b984a29b2ec76b14c4762d2e3dc9344ed163cd4cc593e6918867b22285');
INSERT INTO "events" VALUES(19,1772452800123456,'S-TLTT','S-TLTT','list_imported','system','{"added":4,"list":"ndnc","numbers":6,"sealed":"85ed2643b6686d49797d06913fffe854cc9624007451d409dba69211bc453067"}','{}','41cf27b984a29b2ec76b14c4762d2e3dc9344ed163cd4cc593e6918867b22285','c0830e7e9f41f199436934a7da0db1bf62934ad5041098648998b703593fffff');
INSERT INTO "events" VALUES(20,1772452800123456,'S-YPMJ','S-YPMJ','list_import_began','system','{"list":"mine"}','{}','c0830e7e9f41f199436934a7da0db1bf62934ad5041098648998b703593fffff','b6597abd6fd111c60b1116ae40725974b0be697b985df60c54edbfdd21f5b78b');
INSERT INTO "events" VALUES(21,1772452800123456,'S-YPMJ','S-YPMJ','list_imported','system','{"added":1,"list":"mine","numbers":1,"sealed":"034bb3b97959db9e83c16c801453c27d598129b3d36e1315c0512a273fe7b038"}','{}','b6597abd6fd111c60b1116ae40725974b0be697b985df60c54edbfdd21f5b78b','f35ecfb147f5526a58591d9e281a9b3fd5e6166882117f8d939bfd9a037a5509');
INSERT INTO "events" VALUES(22,1772452800123456,'S-C574','S-C574','list_import_began','system','{"list":"gone"}','{}','f35ecfb147f5526a58591d9e281a9b3fd5e6166882117f8d939bfd9a037a5509','1507b47cafde1f4622a5a63fc0708cbaef5deb47461177f104438517f46bd4cb');
INSERT INTO "events" VALUES(23,1772452800123456,'S-C574','S-C574','list_imported','system','{"added":1,"list":"gone","numbers":1,"sealed":"1c22e3f886145d2a1a386dd255c3eb9b7a6ced450101460886a66b79c7e14f10"}','{}','1507b47cafde1f4622a5a63fc0708cbaef5deb47461177f104438517f46bd4cb','0d60836e1acb3a9a58e576262d5883ed117cf9398177a2f1f83e390ffca61b9c');
INSERT INTO "events" VALUES(24,1772452800123456,'S-ZLVJ','S-ZLVJ','list_removed','system','{"list":"gone","removed":1}','{}','0d60836e1acb3a9a58e576262d5883ed117cf9398177a2f1f83e390ffca61b9c','df944b5af09cb6a5948c8716d52e4f38511021071c51eb3b3b29d37cb17c6651');
INSERT INTO "events" VALUES(25,1772452800123456,'E-J3Q4','E-J3Q4','fault','U0AGENT','{"where":"commands"}','{"traceback":"69e92fa7869fb2acdc7f25870949de9aa7c94e8304751675cd2da04028ae512f"}','df944b5af09cb6a5948c8716d52e4f38511021071c51eb3b3b29d37cb17c6651','efedc88a98c623993946ecf733f8743ee4fa2590e0aff69e51e30beb005223b9');
INSERT INTO "events" VALUES(26,1772452800123456,'A-3LMR','A-3LMR','call_ended','system','{"again":false,"ending":"answered","try":1}','{"end":"8cf8976bb73a25513b451efab2725c1d9b62204b89e3272177eacdc1ae606230"}','efedc88a98c623993946ecf733f8743ee4fa2590e0aff69e51e30beb005223b9','befa49ad40318eb79e7e52ccdb9065f10903bf553a905dd5b7985653c4acdae4');
INSERT INTO "events" VALUES(27,1772452800123456,'A-3LMR','A-3LMR','call_ended','system','{"again":false,"ending":"busy","try":null}','{"end":"d3c5b522708f8bb1be171827977488bf81b3e241a8ec8442db9db8572f8bf9d0"}','befa49ad40318eb79e7e52ccdb9065f10903bf553a905dd5b7985653c4acdae4','46a30ad75e14236eb51cfa45288d0a337d159aeaeb515cd8b45fd475a9659320');
INSERT INTO "events" VALUES(28,1772452800123456,'A-3LMR','A-3LMR','call_ended','system','{"again":false,"ending":"no_answer","try":0}','{"end":"63eb9fbc76b059982d496509c4fd9e18c49e999ef29d23ffe204d41b4fce5aac"}','46a30ad75e14236eb51cfa45288d0a337d159aeaeb515cd8b45fd475a9659320','07065aaf8da0eac10ad927d9fa67dc8b7f38d4e4e2b5018bbf93adc2c808a8cf');
INSERT INTO "events" VALUES(29,1772452800123456,'A-9NJC','A-9NJC','requested','U0AGENT','{"approvals_needed":0,"connection":"reminders","fingerprint":"callkaro:1","kind":"place_list","position":1,"requester":"U0AGENT","rows_sha256":"4f05a803248458a9b7e8d1c5948d6a123ee34e6bae0f7887143583d048d78614","rule":"anyone may place a call","sha256":"0000000000000000000000000000000000000000000000000000000000000000","state":"approved","team":"T0"}','{"action":"8db6ab8872be351d0fdd41a6fb5c412092d29028aa39686f6ad96ec33cbb6e0a"}','07065aaf8da0eac10ad927d9fa67dc8b7f38d4e4e2b5018bbf93adc2c808a8cf','cfb693e0d0b15787e61fe6267f66135dea7a21216fbcf43aeb5aa58e5f3b6dce');
INSERT INTO "events" VALUES(30,1772452800123456,'A-7ZXP','A-7ZXP','requested','U0AGENT','{"agent":"payments","approvals_needed":0,"call_list":"A-9NJC","connection":"reminders","fingerprint":"callkaro:1","kind":"place_call","position":1,"requester":"U0AGENT","rule":"anyone may place a call","state":"approved","team":"T0"}','{"action":"1ac0611b3685e6920942ffce87ff7f70fb3eb3770132806519d01766b3ae3581"}','cfb693e0d0b15787e61fe6267f66135dea7a21216fbcf43aeb5aa58e5f3b6dce','0fec3eeced5362c72c1f7647ca42b6ebc6dfce76696741c74b519406ef03104e');
INSERT INTO "events" VALUES(31,1772452800123456,'B-74ER','B-74ER','calls_paused','U0MANAGER','{"connection":"voxworks","leaving":0,"scheduled":0,"until":null,"waiting":0}','{"reason":"f9031c2ce00cdb7534f9847d5b9f252097d7611cca7d4075e4c89a70c60df480"}','0fec3eeced5362c72c1f7647ca42b6ebc6dfce76696741c74b519406ef03104e','61065b8dacea5d8d2a113d60839dda42e424e4a36d835cc575a955bf30b485c8');
INSERT INTO "events" VALUES(32,1772452800123456,'A-ARCL','A-ARCL','requested','U0AGENT','{"agent":"payments","approvals_needed":0,"connection":"reminders","fingerprint":"callkaro:1","kind":"place_call","position":1,"requester":"U0AGENT","rule":"anyone may place a call","state":"approved","team":"T0"}','{"action":"fb63ba7da8d9cacad1d1e90bb54a642a5efb6d7a333292e1e05e128b3637b62c"}','61065b8dacea5d8d2a113d60839dda42e424e4a36d835cc575a955bf30b485c8','83757d41f1de2e50b3dad66691ca7b161d598004e9944a6e172e02c3ad1d4f6b');
INSERT INTO "events" VALUES(33,1772452800123456,'A-ARCL','A-ARCL','withdrawn','U0AGENT','{"state":"withdrawn"}','{}','83757d41f1de2e50b3dad66691ca7b161d598004e9944a6e172e02c3ad1d4f6b','6e27b38b070dee67405a21679debfb2bb4be55919b158b186e563ddeef313c80');
INSERT INTO "events" VALUES(34,1772452800123456,'A-ARCL','A-ARCL','erased','U0DPO','{}','{}','6e27b38b070dee67405a21679debfb2bb4be55919b158b186e563ddeef313c80','5a3364dc395e974c8e72d1133bc2eda0a765934ae8ef52167db9d790276765b7');
CREATE TABLE homes (
    person TEXT PRIMARY KEY,
    opened_at INTEGER NOT NULL,
    shown BLOB,
    seen INTEGER NOT NULL DEFAULT 0,
    looked_at INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE lookup (
    action INTEGER PRIMARY KEY REFERENCES actions (n),
    number BLOB NOT NULL,
    masked BLOB
) STRICT;
INSERT INTO "lookup" VALUES(1,X'5996BAD8D38C1DA1C1D8A45E7A498A51C6634D2D714A8B782752273A2BE8F2A1',NULL);
INSERT INTO "lookup" VALUES(2,X'BFFFB6D01E8C9103D35663C60F613244DB8A0C409835091ED3151F6966A54671',NULL);
INSERT INTO "lookup" VALUES(3,X'F149673F96BA537A8375913651D3F574755BEC09F36B88AC7A8AE8984BC48797',NULL);
INSERT INTO "lookup" VALUES(4,X'5996BAD8D38C1DA1C1D8A45E7A498A51C6634D2D714A8B782752273A2BE8F2A1',NULL);
INSERT INTO "lookup" VALUES(5,X'BFFFB6D01E8C9103D35663C60F613244DB8A0C409835091ED3151F6966A54671',NULL);
INSERT INTO "lookup" VALUES(7,X'5996BAD8D38C1DA1C1D8A45E7A498A51C6634D2D714A8B782752273A2BE8F2A1',NULL);
CREATE TABLE messages (
    request TEXT NOT NULL REFERENCES requests (id),
    slot TEXT NOT NULL,
    channel TEXT NOT NULL,
    ts TEXT NOT NULL,
    link TEXT,
    PRIMARY KEY (request, slot)
) STRICT, WITHOUT ROWID;
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "meta" VALUES('key',X'F0C5BFF91C27F0D79F9036F49A6EAC8752627FFE34B57FFFEBDC91788C2E6514');
CREATE TABLE nonces (
    id INTEGER PRIMARY KEY,
    nonce TEXT NOT NULL UNIQUE,
    person TEXT,
    content TEXT,
    request TEXT REFERENCES requests (id),
    at INTEGER NOT NULL
) STRICT;
INSERT INTO "nonces" VALUES(1,'pause:pause','U0MANAGER',NULL,NULL,1772452800123456);
CREATE TABLE outages (
    connection TEXT NOT NULL,
    reason TEXT NOT NULL CHECK (reason IN ('down', 'rate_limited')),
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    failed_at INTEGER NOT NULL,
    reachable INTEGER NOT NULL,
    told INTEGER NOT NULL,
    announced TEXT,
    probe_at INTEGER,
    PRIMARY KEY (connection, reason)
) STRICT, WITHOUT ROWID;
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    request TEXT REFERENCES requests (id),
    action TEXT,
    event INTEGER REFERENCES events (seq),
    dedupe_key TEXT,
    template TEXT NOT NULL,
    slot TEXT NOT NULL,
    payload TEXT NOT NULL DEFAULT '{}',
    channel TEXT,
    ts TEXT,
    added_at INTEGER NOT NULL,
    not_before INTEGER,
    postponed_at INTEGER,
    lane TEXT,
    unordered INTEGER NOT NULL DEFAULT 0,
    is_next INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    lease_until INTEGER,
    tries INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    ended TEXT CHECK (ended IN ('delivered', 'covered', 'abandoned')),
    ended_at INTEGER,
    CHECK ((request IS NULL) = (dedupe_key IS NOT NULL))
) STRICT;
INSERT INTO "outbox" VALUES(1,NULL,NULL,13,'do_not_call:13','do_not_call','audit','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(2,NULL,NULL,13,'do_not_call:13:approvals','do_not_call','approvals','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(3,NULL,NULL,14,'do_not_call:14','do_not_call','audit','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(4,NULL,NULL,14,'do_not_call:14:approvals','do_not_call','approvals','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(5,NULL,NULL,15,'do_not_call:15','do_not_call','audit','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(6,NULL,NULL,15,'do_not_call:15:approvals','do_not_call','approvals','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(7,NULL,NULL,17,'do_not_call:17','do_not_call','audit','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(8,NULL,NULL,19,'do_not_call:19','do_not_call','audit','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(9,NULL,NULL,21,'do_not_call:21','do_not_call','audit','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(10,NULL,NULL,23,'do_not_call:23','do_not_call','audit','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(11,NULL,NULL,24,'do_not_call:24','do_not_call','audit','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
INSERT INTO "outbox" VALUES(12,NULL,NULL,31,'pause:B-74ER','pause','audit:voxworks','{}',NULL,NULL,1772452800123456,NULL,NULL,NULL,0,1,NULL,NULL,0,NULL,NULL,NULL);
CREATE TABLE pauses (
    connection TEXT PRIMARY KEY,
    event INTEGER NOT NULL REFERENCES events (seq),
    until INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO "pauses" VALUES('voxworks',31,NULL);
CREATE TABLE people (
    id TEXT PRIMARY KEY,
    team TEXT NOT NULL,
    name TEXT NOT NULL,
    timezone TEXT NOT NULL,
    bot INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    guest INTEGER NOT NULL,
    is_external INTEGER NOT NULL,
    read_at INTEGER NOT NULL
) STRICT;
CREATE TABLE personal (
    id INTEGER PRIMARY KEY,
    event INTEGER NOT NULL REFERENCES events (seq),
    field TEXT NOT NULL,
    salt BLOB,
    value TEXT,
    UNIQUE (event, field)
) STRICT;
INSERT INTO "personal" VALUES(1,1,'action',X'882BF28203CB5242E389EAC82E1103D8','{"kind":"place_call","to":"+919876543210","agent":"payments","at":null,"retries":null,"gap":null,"earliest":null,"latest":null,"carry_over":null,"priority":null,"language":null,"batch":null,"metadata":null}');
INSERT INTO "personal" VALUES(2,1,'reason',X'25C63BAA73E7ABD8408CD242838DC748','one');
INSERT INTO "personal" VALUES(3,2,'action',X'9E1E51DEE2EC8A9BBA18793D8F3BDBF3','{"kind":"place_call","to":"+919876543211","agent":"payments","at":null,"retries":null,"gap":null,"earliest":null,"latest":null,"carry_over":null,"priority":null,"language":null,"batch":null,"metadata":null}');
INSERT INTO "personal" VALUES(4,2,'reason',X'F1269B711F87CC3C8278F215F9C6069E','two');
INSERT INTO "personal" VALUES(5,4,'raw',X'46B14606A4B4728552273758673D16CB','{"ok": true}');
INSERT INTO "personal" VALUES(6,6,'raw',X'EE7F3F52C2E7512E2F77A9903B15F669','{"ok": true}');
INSERT INTO "personal" VALUES(7,7,'action',X'252C60DC1AA94DF6942D5F81E231A17D','{"kind":"cancel_call","target":{"by":"call_id","call_id":"c_9876543210"}}');
INSERT INTO "personal" VALUES(8,9,'action',X'5602EFDD41DF32916C5D68E680A96B4B','{"kind":"cancel_call","target":{"by":"number","agent":"payments","to":"+919876543210"}}');
INSERT INTO "personal" VALUES(9,10,'action',X'51895FE542516D06319F10C19526A4A1','{"kind":"cancel_call","target":{"by":"number","agent":"payments","to":"+919876543211"}}');
INSERT INTO "personal" VALUES(10,13,'number',X'0E1B265FE9F709667243B028FD2F4CDB','+91 •••3210');
INSERT INTO "personal" VALUES(11,13,'reason',X'BE5ED28DC9A7A0A2FF8CB06C90DE2539','cross');
INSERT INTO "personal" VALUES(12,14,'number',X'58C474AF054A64DD004795052145F7B5','+91 •••3211');
INSERT INTO "personal" VALUES(13,15,'number',X'EF44E927351B805165C93064CFEE1165','+91 •••3211');
INSERT INTO "personal" VALUES(14,15,'reason',X'2E3B5648315F2562E82A1F7B9EE0C66B','well again');
INSERT INTO "personal" VALUES(15,15,'lookup',X'D618D971CA75E1B967842764A67A1DC9','bfffb6d01e8c9103d35663c60f613244db8a0c409835091ed3151f6966a54671');
INSERT INTO "personal" VALUES(16,25,'traceback',X'963AF3C29998112D272EBD6191AD0806','a fault');
INSERT INTO "personal" VALUES(17,26,'end',X'F59999805CEF68892F6E88B2CAE8F4D4','{"seconds": 42, "word": "HUNG_UP"}');
INSERT INTO "personal" VALUES(18,27,'end',X'CE411B03D23A37106896FD21F01AAC8D','{"seconds": 42, "word": "HUNG_UP"}');
INSERT INTO "personal" VALUES(19,28,'end',X'FAF6A6779AD3F2C0DC0B5F153F172BF4','{"seconds": 42, "word": "HUNG_UP"}');
INSERT INTO "personal" VALUES(20,29,'action',X'9F3072CABEF2784C87CBF7C97BB90030','{"kind":"place_list","list":1,"name":"calls.csv","sha256":"0000000000000000000000000000000000000000000000000000000000000000","rows_sha256":"4f05a803248458a9b7e8d1c5948d6a123ee34e6bae0f7887143583d048d78614","rows":2,"skipped":{},"countries":{},"hours":{},"sample":[]}');
INSERT INTO "personal" VALUES(21,30,'action',X'ADD9BF3D26F7E881DE2095409492B20F','{"kind":"place_call","to":"+919876543210","agent":"payments","at":null,"retries":null,"gap":null,"earliest":null,"latest":null,"carry_over":null,"priority":null,"language":null,"batch":null,"metadata":null}');
INSERT INTO "personal" VALUES(22,31,'reason',X'DE871FD362AFE2C96C058FBDAD65DF70','why');
INSERT INTO "personal" VALUES(23,32,'action',NULL,NULL);
CREATE TABLE rate_limit_pauses (
    account TEXT PRIMARY KEY,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE requests (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    connection TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    requester TEXT NOT NULL,
    team TEXT NOT NULL,
    channel TEXT,
    rule TEXT,
    reasons TEXT,
    approvals_needed INTEGER NOT NULL,
    decide_by INTEGER,
    asked_at INTEGER NOT NULL,
    mode TEXT,
    reported_call_time INTEGER,
    reschedules TEXT,
    new_time INTEGER,
    second_step_of TEXT,
    tell_me INTEGER,
    stop TEXT,
    call_list TEXT,
    pending INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO "requests" VALUES('A-3LMR','place_call','reminders','callkaro:1','U0AGENT','T0',NULL,'anyone may place a call',NULL,0,NULL,1772452800123456,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "requests" VALUES('A-FGZN','place_call','reminders','callkaro:1','U0AGENT','T0',NULL,'anyone may place a call',NULL,0,NULL,1772452800123456,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "requests" VALUES('A-ZD8J','cancel_call','reminders','callkaro:1','U0AGENT','T0',NULL,'cancellations need a manager',NULL,1,1772481600123456,1772452800123456,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "requests" VALUES('A-C9SQ','cancel_call','reminders','callkaro:1','U0AGENT','T0',NULL,'cancellations need a manager',NULL,1,1772481600123456,1772452800123456,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "requests" VALUES('A-9NJC','place_list','reminders','callkaro:1','U0AGENT','T0',NULL,'anyone may place a call',NULL,0,NULL,1772452800123456,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
INSERT INTO "requests" VALUES('A-7ZXP','place_call','reminders','callkaro:1','U0AGENT','T0',NULL,'anyone may place a call',NULL,0,NULL,1772452800123456,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'A-9NJC',0);
INSERT INTO "requests" VALUES('A-ARCL','place_call','reminders','callkaro:1','U0AGENT','T0',NULL,'anyone may place a call',NULL,0,NULL,1772452800123456,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0);
CREATE TABLE screens (
    id INTEGER PRIMARY KEY,
    request TEXT NOT NULL REFERENCES requests (id),
    person TEXT NOT NULL,
    url TEXT,
    stage TEXT NOT NULL,
    seen INTEGER NOT NULL DEFAULT 0,
    uses INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE TABLE seals (
    event INTEGER PRIMARY KEY REFERENCES events (seq),
    salt BLOB
) STRICT;
INSERT INTO "seals" VALUES(13,X'DEA72C524FCEC2E70551FDC836F2E179');
INSERT INTO "seals" VALUES(14,NULL);
INSERT INTO "seals" VALUES(17,X'B6143E7CA1448F240A6221B581F7FB35');
INSERT INTO "seals" VALUES(19,X'A6705A1B80B8BA4BB605DBA8F97B0795');
INSERT INTO "seals" VALUES(21,X'652F34CAC4425802134E3CEED99856C2');
INSERT INTO "seals" VALUES(23,NULL);
CREATE TABLE stops (
    number BLOB NOT NULL,
    list TEXT NOT NULL,
    event INTEGER NOT NULL REFERENCES events (seq),
    PRIMARY KEY (number, list)
) STRICT, WITHOUT ROWID;
INSERT INTO "stops" VALUES(X'5996BAD8D38C1DA1C1D8A45E7A498A51C6634D2D714A8B782752273A2BE8F2A1','',13);
INSERT INTO "stops" VALUES(X'3D7713359CE71D14E9551390D74745D28FFC18CFF79BDC0DF5D29DD14305DC0C','mine',20);
INSERT INTO "stops" VALUES(X'5996BAD8D38C1DA1C1D8A45E7A498A51C6634D2D714A8B782752273A2BE8F2A1','ndnc',16);
INSERT INTO "stops" VALUES(X'BFFFB6D01E8C9103D35663C60F613244DB8A0C409835091ED3151F6966A54671','ndnc',16);
INSERT INTO "stops" VALUES(X'086B9E55DDDE6A69AD328127077CD5DFD5885BFDC8965442D2B4F8EE8944D0D1','ndnc',18);
INSERT INTO "stops" VALUES(X'5C4E2E6E424EABDD85AA2AB17E838E8897FA5135AA549B107F657DD0B6ED4003','ndnc',18);
INSERT INTO "stops" VALUES(X'6366C5594630B22A1D8EA8B15CCE5908EF2303E4C5FB131709165127E05B0F21','ndnc',18);
INSERT INTO "stops" VALUES(X'6EF4614EAC820DA95F5ACB4D40BDC7AA1204F90FF439DBBC6279BB3BC4E374D3','ndnc',18);
CREATE TABLE turns (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE TABLE unfinished_lists (
    event INTEGER PRIMARY KEY REFERENCES events (seq),
    list TEXT NOT NULL,
    leaving INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX events_request ON events (request);
CREATE INDEX events_reference ON events (json_extract(data, '$.reference'))
    WHERE json_extract(data, '$.reference') IS NOT NULL;
CREATE INDEX events_looked_up ON events (action) WHERE name = 'looked_up';
CREATE INDEX events_asked ON events (json_extract(data, '$.person'), at)
    WHERE name IN ('asked', 'settle_asked');
CREATE INDEX events_call_ended ON events (action, coalesce(json_extract(data, '$.try'), 1000))
    WHERE name = 'call_ended';
CREATE INDEX events_sent_again ON events (action) WHERE name = 'retry_requested';
CREATE INDEX events_followed ON events (request) WHERE name = 'followed';
CREATE INDEX events_cancelled ON events (action) WHERE name = 'cancelled';
CREATE INDEX events_rules ON events (seq) WHERE name = 'rules_changed';
CREATE TRIGGER events_follow BEFORE INSERT ON events
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM events)
BEGIN SELECT raise(ABORT, 'events are appended, one after another'); END;
CREATE TRIGGER events_stay BEFORE DELETE ON events
BEGIN SELECT raise(ABORT, 'events are never deleted'); END;
CREATE TRIGGER events_hold BEFORE UPDATE ON events
BEGIN SELECT raise(ABORT, 'events are never changed'); END;
CREATE INDEX requests_pending ON requests (coalesce(decide_by, 9223372036854775807), asked_at, id) WHERE pending = 1;
CREATE INDEX requests_reschedules ON requests (new_time) WHERE reschedules IS NOT NULL;
CREATE UNIQUE INDEX requests_second_step_of ON requests (second_step_of) WHERE second_step_of IS NOT NULL;
CREATE INDEX actions_asked ON actions (asked_at);
CREATE INDEX actions_state ON actions (state, asked_at);
CREATE INDEX actions_code ON actions (code, asked_at);
CREATE INDEX actions_kind ON actions (kind, asked_at);
CREATE INDEX actions_connection ON actions (connection, asked_at);
CREATE INDEX actions_requester ON actions (requester, asked_at);
CREATE INDEX actions_ending ON actions (ending, asked_at) WHERE kind = 'place_call';
CREATE INDEX actions_target ON actions (target_id) WHERE target_id IS NOT NULL;
CREATE INDEX actions_pending ON actions (n) WHERE state = 'pending';
CREATE INDEX actions_unbegun ON actions (connection) WHERE state IN ('pending', 'approved') AND attempt = 0;
CREATE INDEX actions_approved ON actions (connection, last_event) WHERE state = 'approved';
CREATE INDEX actions_not_after ON actions (not_after) WHERE state = 'approved' AND not_after IS NOT NULL;
CREATE INDEX actions_maybe_executed ON actions (last_event) WHERE state = 'approved' AND maybe_executed = 1;
CREATE INDEX actions_unsure ON actions (connection) WHERE state = 'unknown' AND kind <> 'place_call';
CREATE INDEX actions_scheduled ON actions (scheduled_for)
    WHERE kind = 'place_call' AND state = 'succeeded' AND code = 'scheduled';
CREATE INDEX actions_scheduled_by ON actions (requester, scheduled_for)
    WHERE kind = 'place_call' AND state = 'succeeded' AND code = 'scheduled';
CREATE INDEX approvals_request ON approvals (request);
CREATE INDEX personal_kept ON personal (event) WHERE value IS NOT NULL;
CREATE INDEX lookup_number ON lookup (number);
CREATE INDEX lookup_masked ON lookup (masked) WHERE masked IS NOT NULL;
CREATE INDEX deliveries_at ON deliveries (at);
CREATE INDEX nonces_kept ON nonces (at) WHERE content IS NOT NULL;
CREATE UNIQUE INDEX outbox_dedupe_key ON outbox (dedupe_key) WHERE dedupe_key IS NOT NULL;
CREATE INDEX outbox_waiting ON outbox (request, id) WHERE ended IS NULL;
CREATE INDEX outbox_unordered ON outbox (request) WHERE ended IS NULL AND unordered = 1;
CREATE INDEX outbox_leased ON outbox (lease_until) WHERE ended IS NULL AND lease_until IS NOT NULL;
CREATE INDEX outbox_lane ON outbox (lane, is_next, id) WHERE ended IS NULL AND lane IS NOT NULL;
CREATE INDEX outbox_due ON outbox (coalesce(not_before, 0))
    WHERE ended IS NULL AND is_next = 1 AND lane IS NULL;
CREATE INDEX outbox_postponed ON outbox (postponed_at)
    WHERE ended IS NULL AND is_next = 1 AND lane IS NULL AND not_before IS NOT NULL;
CREATE TRIGGER outbox_joined AFTER INSERT ON outbox
BEGIN 
    UPDATE outbox SET is_next = unordered = 1 OR id IS (
        SELECT min(one.id) FROM outbox AS one
        WHERE one.request = outbox.request AND one.ended IS NULL AND one.unordered = 0 AND NOT EXISTS (
            SELECT 1 FROM outbox AS other
            WHERE other.request = one.request AND other.ended IS NULL AND other.unordered = 1
              AND 
    CASE other.slot WHEN 'thread' THEN 'audit' WHEN 'card_thread' THEN 'card' ELSE other.slot END
 = 
    CASE one.slot WHEN 'thread' THEN 'audit' WHEN 'card_thread' THEN 'card' ELSE one.slot END
))
    WHERE ended IS NULL AND request = NEW.request
; END;
CREATE TRIGGER outbox_left AFTER UPDATE OF ended, unordered ON outbox
WHEN OLD.ended IS NOT NEW.ended OR OLD.unordered <> NEW.unordered
BEGIN 
    UPDATE outbox SET is_next = unordered = 1 OR id IS (
        SELECT min(one.id) FROM outbox AS one
        WHERE one.request = outbox.request AND one.ended IS NULL AND one.unordered = 0 AND NOT EXISTS (
            SELECT 1 FROM outbox AS other
            WHERE other.request = one.request AND other.ended IS NULL AND other.unordered = 1
              AND 
    CASE other.slot WHEN 'thread' THEN 'audit' WHEN 'card_thread' THEN 'card' ELSE other.slot END
 = 
    CASE one.slot WHEN 'thread' THEN 'audit' WHEN 'card_thread' THEN 'card' ELSE one.slot END
))
    WHERE ended IS NULL AND request = NEW.request
; END;
CREATE INDEX messages_ts ON messages (ts);
CREATE INDEX screens_open ON screens (request) WHERE url IS NOT NULL;
CREATE INDEX turns_account ON turns (account, at);
CREATE INDEX end_polls_due ON end_polls (connection, due_at);
CREATE INDEX stops_list ON stops (list, event);
CREATE INDEX call_list_rows_list ON call_list_rows (list, id);
CREATE INDEX call_list_rows_due ON call_list_rows (list, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX call_list_rows_number ON call_list_rows (number) WHERE number IS NOT NULL;
CREATE VIEW actions_in_words AS
SELECT actions.id, actions.request, strftime('%Y-%m-%dT%H:%M:%fZ', actions.asked_at / 1000000.0, 'unixepoch') AS asked, actions.requester AS asked_by,
    people.name AS asked_by_name, replace(actions.kind, '_', ' ') AS what, actions.connection, actions.agent,
    coalesce(
        actions.target_id, '•••• ' || substr(coalesce(coalesce(json_extract(asked.value, '$.to'), json_extract(asked.value, '$.target.to')), coalesce(json_extract(asked.value, '$.target.call_id'), json_extract(asked.value, '$.target.campaign_id'))), -4), 'erased') AS target, CASE WHEN (
        SELECT json_extract(events.data, '$.by') FROM events
        WHERE events.action = actions.id AND events.name = 'cancelled' ORDER BY events.seq LIMIT 1) IS NOT NULL THEN 'cancelled' WHEN actions.code = 'dry_run' THEN 'dry_run' ELSE actions.state END AS state, (
        SELECT json_extract(events.data, '$.by') FROM events
        WHERE events.action = actions.id AND events.name = 'cancelled' ORDER BY events.seq LIMIT 1) AS cancelled_by,
    strftime('%Y-%m-%dT%H:%M:%fZ', actions.scheduled_for / 1000000.0, 'unixepoch') AS scheduled_for, replace(actions.ending, '_', ' ') AS ended,
    (
        SELECT json_extract(value, '$.seconds') FROM personal WHERE event = (
        SELECT seq FROM events WHERE action = actions.id AND name = 'call_ended'
        ORDER BY coalesce(json_extract(data, '$.try'), 1000) DESC, seq DESC LIMIT 1) AND field = 'end') AS seconds, actions.end_try + 1 AS tries, actions.attempt AS attempts, actions.code,
    actions.message, actions.reference, strftime('%Y-%m-%dT%H:%M:%fZ', actions.updated_at / 1000000.0, 'unixepoch') AS changed
FROM actions
LEFT JOIN personal AS asked ON asked.event = actions.asked_event AND asked.field = 'action'
LEFT JOIN people ON people.id = actions.requester;
CREATE VIEW requests_in_words AS
SELECT requests.id, strftime('%Y-%m-%dT%H:%M:%fZ', requests.asked_at / 1000000.0, 'unixepoch') AS asked, requests.requester AS asked_by,
    people.name AS asked_by_name, replace(requests.kind, '_', ' ') AS what, requests.connection,
    (SELECT count(*) FROM actions WHERE actions.request = requests.id) AS targets,
    why.value AS reason, requests.rule, approvals.decision, approvals.person AS decided_by,
    decider.name AS decided_by_name, strftime('%Y-%m-%dT%H:%M:%fZ', approvals.at / 1000000.0, 'unixepoch') AS decided,
    strftime('%Y-%m-%dT%H:%M:%fZ', requests.decide_by / 1000000.0, 'unixepoch') AS to_be_decided_by, coalesce(requests.mode, 'live') AS mode
FROM requests
JOIN actions AS first ON first.request = requests.id AND first.position = 1
LEFT JOIN personal AS why ON why.event = first.asked_event AND why.field = 'reason'
LEFT JOIN people ON people.id = requests.requester
LEFT JOIN approvals
    ON approvals.event = (SELECT max(event) FROM approvals WHERE approvals.request = requests.id)
LEFT JOIN people AS decider ON decider.id = approvals.person;
CREATE VIEW what_happened AS
SELECT events.seq, strftime('%Y-%m-%dT%H:%M:%fZ', events.at / 1000000.0, 'unixepoch') AS at, events.request, events.action AS action, events.actor AS who,
    people.name AS who_name, replace(events.name, '_', ' ') AS what,
    json_extract(events.data, '$.state') AS state, json_extract(events.data, '$.message') AS message,
    note.value AS note
FROM events
LEFT JOIN people ON people.id = events.actor
LEFT JOIN personal AS note ON note.event = events.seq AND note.field = 'note';
CREATE VIEW decisions AS
SELECT approvals.request, strftime('%Y-%m-%dT%H:%M:%fZ', approvals.at / 1000000.0, 'unixepoch') AS at, approvals.person AS who, people.name AS who_name,
    approvals.decision, approvals."group" AS through_group, requests.rule
FROM approvals
JOIN requests ON requests.id = approvals.request
LEFT JOIN people ON people.id = approvals.person;
CREATE VIEW by_connection AS
SELECT actions.connection, replace(actions.kind, '_', ' ') AS what, CASE WHEN (
        SELECT json_extract(events.data, '$.by') FROM events
        WHERE events.action = actions.id AND events.name = 'cancelled' ORDER BY events.seq LIMIT 1) IS NOT NULL THEN 'cancelled' WHEN actions.code = 'dry_run' THEN 'dry_run' ELSE actions.state END AS state,
    count(*) AS actions, strftime('%Y-%m-%dT%H:%M:%fZ', min(actions.asked_at) / 1000000.0, 'unixepoch') AS first_asked,
    strftime('%Y-%m-%dT%H:%M:%fZ', max(actions.asked_at) / 1000000.0, 'unixepoch') AS last_asked
FROM actions GROUP BY 1, 2, 3;
CREATE VIEW by_person AS
SELECT actions.requester AS asked_by, people.name AS asked_by_name,
    replace(actions.kind, '_', ' ') AS what, CASE WHEN (
        SELECT json_extract(events.data, '$.by') FROM events
        WHERE events.action = actions.id AND events.name = 'cancelled' ORDER BY events.seq LIMIT 1) IS NOT NULL THEN 'cancelled' WHEN actions.code = 'dry_run' THEN 'dry_run' ELSE actions.state END AS state, count(*) AS actions,
    strftime('%Y-%m-%dT%H:%M:%fZ', min(actions.asked_at) / 1000000.0, 'unixepoch') AS first_asked, strftime('%Y-%m-%dT%H:%M:%fZ', max(actions.asked_at) / 1000000.0, 'unixepoch') AS last_asked
FROM actions LEFT JOIN people ON people.id = actions.requester GROUP BY 1, 3, 4;
COMMIT;
