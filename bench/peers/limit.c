/* The least that a C client can do: librabbitmq, no rules. MODE is each, hundredth or none.
 * A mark (its body holds "mark") goes to the queue that the driver watches. */
#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFETCH 1000

static void must(amqp_rpc_reply_t reply, const char *what) {
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
    fprintf(stderr, "%s failed\n", what);
    exit(1);
  }
}

int main(int argc, char **argv) {
  if (argc != 7) return 2;
  const char *mode = argv[1], *host = argv[2], *user = argv[4], *password = argv[5], *queue = argv[6];
  int no_ack = strcmp(mode, "none") == 0, every = strcmp(mode, "each") == 0 ? 1 : 100;
  amqp_connection_state_t link = amqp_new_connection();
  amqp_socket_t *socket = amqp_tcp_socket_new(link);
  if (!socket || amqp_socket_open(socket, host, atoi(argv[3]))) {
    fprintf(stderr, "cannot connect\n");
    return 1;
  }
  must(amqp_login(link, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, user, password), "login");
  amqp_channel_open(link, 1);
  must(amqp_get_rpc_reply(link), "channel.open");
  amqp_basic_qos(link, 1, 0, PREFETCH, 0);
  must(amqp_get_rpc_reply(link), "basic.qos");
  amqp_basic_consume(link, 1, amqp_cstring_bytes(queue), amqp_empty_bytes, 0, no_ack, 0, amqp_empty_table);
  must(amqp_get_rpc_reply(link), "basic.consume");
  for (long done = 1;; done++) {
    amqp_envelope_t event;
    amqp_maybe_release_buffers(link);
    must(amqp_consume_message(link, &event, NULL, 0), "consuming");
    int mark = memmem(event.message.body.bytes, event.message.body.len, "\"mark\"", 6) != NULL;
    if (mark)
      amqp_basic_publish(link, 1, amqp_empty_bytes, amqp_cstring_bytes("bench.marks"), 0, 0, NULL,
                         event.message.body);
    if (!no_ack && (mark || done % every == 0)) amqp_basic_ack(link, 1, event.delivery_tag, every > 1);
    amqp_destroy_envelope(&event);
  }
}
