# Redis.pm, a client of Perl that is older than most, against a server that server.py lends.
#
# Usage: server.py SERVER perl redis_perl_test.pl
use strict;
use warnings;
use utf8;
use Encode qw(encode_utf8);
use Redis;
use Test::More;

# Redis.pm wants bytes, and dies on an error reply.
my %unix = (sock => $ENV{LARDER_SOCKET});
my %tcp  = (server => "127.0.0.1:$ENV{LARDER_PORT}");

sub dies_like {
    my ($code, $pattern, $name) = @_;
    is(eval { $code->(); 1 }, undef, "$name: dies");
    like($@, $pattern, $name);
}

sub subtest_on_empty {
    my ($name, $code) = @_;
    subtest $name => sub {
        my $r = Redis->new(%unix);
        is($r->flushall, 'OK', 'empty');
        $code->($r);
        ok($r->quit, 'quits');
    };
}

subtest_on_empty 'unix socket and TCP reach the same keys' => sub {
    my ($r) = @_;
    my $other = Redis->new(%tcp, name => 'from-perl');
    is($other->ping, 'PONG', 'ping');
    is($other->client_getname, 'from-perl', 'name given on connecting');
    is($other->set(k => 'v'), 'OK', 'set over TCP');
    is($r->get('k'), 'v', 'get over the unix socket');
    is($r->get('nosuch'), undef, 'nil is undef');
    is($other->select(3), 'OK', 'select');
    is($other->dbsize, 0, 'another database');
};

subtest_on_empty 'strings' => sub {
    my ($r) = @_;
    is($r->set('k', 'v', 'EX', 100, 'NX'), 'OK', 'set with options');
    is($r->set('k', 'w', 'NX'), undef, 'NX refuses');
    cmp_ok($r->ttl('k'), '>', 90, 'ttl');
    is($r->persist('k'), 1, 'persist');
    is($r->getex('k', 'EX', 50), 'v', 'getex');
    is($r->append('k', 'alue'), 5, 'append');
    is($r->getrange('k', 1, 2), 'al', 'getrange');
    is($r->getset('k', 10), 'value', 'getset');
    is($r->incr('k'), 11, 'incr');
    is($r->decrby('k', 12), -1, 'decrby');
    is($r->incrbyfloat('k', 0.25), '-0.75', 'incrbyfloat');
    is($r->mset(map { ("key:$_" => $_) } 1 .. 500), 'OK', 'mset');
    is_deeply([$r->mget('key:1', 'nosuch', 'key:500')], [1, undef, 500], 'mget');
    is($r->exists('k', 'key:7', 'nosuch'), 2, 'exists');
    is($r->del(map { "key:$_" } 1 .. 400), 400, 'del');
    is(scalar(my @keys = $r->keys('key:*')), 100, 'keys');
    is($r->object('encoding', 'key:500'), 'int', 'object encoding');
    is($r->type('k'), 'string', 'type');
};

subtest_on_empty 'bytes' => sub {
    my ($r) = @_;
    my $bytes = join '', map { chr } 0 .. 255;
    is($r->set($bytes, $bytes), 'OK', 'set');
    is($r->get($bytes), $bytes, 'every byte comes back');
    my $text = encode_utf8('naïve café');
    $r->set($text, $text);
    is($r->get($text), $text, 'UTF-8 comes back');
    my $big = $bytes x 20_480;    # 5 MB
    $r->set(big => $big);
    is($r->strlen('big'), 5_242_880, 'length of a big value');
    ok($r->get('big') eq $big, 'big value comes back');
};

subtest_on_empty 'scan' => sub {
    my ($r) = @_;
    $r->mset(map { ("key:$_" => $_) } 1 .. 1000);
    my ($cursor, %seen, $rounds) = (0);
    do {
        ($cursor, my $keys) = $r->scan($cursor, COUNT => 50, MATCH => 'key:*');
        $seen{$_}++ for @$keys;
    } while ($cursor && ++$rounds < 10_000);
    is(scalar(keys %seen), 1000, 'every key');
    is_deeply([grep { $_ != 1 } values %seen], [], 'once');
};

subtest_on_empty 'pipeline by callbacks' => sub {
    my ($r) = @_;
    my (@answers, @errors);
    for my $i (1 .. 3000) {
        $r->incr('n', sub { my ($reply, $error) = @_; push @answers, $reply; push @errors, $error if defined $error });
    }
    $r->set(text => 'abc', sub { });
    $r->incr('text', sub { my ($reply, $error) = @_; push @errors, $error });
    $r->wait_all_responses;
    is_deeply(\@answers, [1 .. 3000], 'answers in order');
    is_deeply(\@errors, ['ERR value is not an integer or out of range'], 'one error');
};

subtest_on_empty 'transactions' => sub {
    my ($r) = @_;
    my $other = Redis->new(%tcp);
    is($r->multi, 'OK', 'multi');
    is($r->set(k => 1), 'QUEUED', 'queued');
    is($r->incr('k'), 'QUEUED', 'queued');
    is($other->get('k'), undef, 'not yet');
    is_deeply([$r->exec], ['OK', 2], 'exec');
    $r->watch('k');
    $other->set(k => 5);
    $r->multi;
    $r->set(k => 6);
    is_deeply([$r->exec], [undef], 'exec refuses: a watched key has changed');
    is($r->get('k'), 5, 'it kept what the other wrote');
    $r->multi;
    is($r->discard, 'OK', 'discard');
};

subtest_on_empty 'errors' => sub {
    my ($r) = @_;
    $r->set(text => 'abc');
    dies_like(sub { $r->incr('text') }, qr/^\[incr\] ERR value is not an integer or out of range/, 'wrong value');
    dies_like(sub { $r->get }, qr/wrong number of arguments for 'get' command/, 'arity');
    dies_like(sub { $r->nosuch('x') }, qr/unknown command 'nosuch', with args beginning with: 'x'/i, 'unknown command');
    dies_like(sub { $r->exec }, qr/EXEC without MULTI/, 'exec alone');
    is($r->get('text'), 'abc', 'the connection goes on');
};

subtest_on_empty 'server' => sub {
    my ($r) = @_;
    my $info = $r->info;
    is($info->{redis_version}, '7.0.15', 'info');
    is($info->{tcp_port}, $ENV{LARDER_PORT}, 'port');
    is_deeply([$r->config_get('save')], ['save', ''], 'config get');
    is($r->config_set('maxmemory', '10mb'), 'OK', 'config set');
    is_deeply([$r->config_get('maxmemory')], ['maxmemory', 10_485_760], 'a size is read');
    is($r->config_set('maxmemory', 0), 'OK', 'config set back');
    is($r->echo('hello there'), 'hello there', 'echo');
    my ($seconds) = $r->time;
    cmp_ok(abs($seconds - time), '<', 60, 'time');
    like(scalar $r->client_list, qr/^id=\d+ addr=.* cmd=client\|list user=default/m, 'client list');
};

subtest_on_empty 'client that is killed connects again' => sub {
    my ($r) = @_;
    my $victim = Redis->new(%tcp, reconnect => 60, every => 1000);
    my ($id) = $victim->client('id');
    is($r->client('kill', 'id', $id), 1, 'killed');
    isnt($victim->client('id'), $id, 'a new connection');
    is($victim->ping, 'PONG', 'that works');
};

subtest 'password' => sub {
    my $r = Redis->new(%unix);
    is($r->config_set('requirepass', 'secret word'), 'OK', 'set');
    dies_like(sub { Redis->new(%tcp)->get('k') }, qr/NOAUTH Authentication required/, 'without it');
    dies_like(sub { Redis->new(%tcp, password => 'wrong')->get('k') }, qr/NOAUTH|WRONGPASS/, 'wrong one');
    is(Redis->new(%tcp, password => 'secret word')->ping, 'PONG', 'right one');
    is(Redis->new(%tcp, username => 'default', password => 'secret word')->ping, 'PONG', 'with a user');
    is($r->config_set('requirepass', ''), 'OK', 'unset');
};

done_testing;
