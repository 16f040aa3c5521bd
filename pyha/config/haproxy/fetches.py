"""What an ACL can look at (HAProxy's manual, sections 7.1 and 7.3): names, to tell a misspelt one from a known one."""

_ANYWHERE = """
    always_false always_true avg_queue bc_dst bc_dst_port bc_err bc_err_str bc_http_major bc_src bc_src_port be_conn
    be_conn_free be_id be_name be_server_timeout be_sess_rate be_tunnel_timeout bin bool connslots cpu_calls
    cpu_ns_avg cpu_ns_tot cur_server_timeout cur_tunnel_timeout date date_us distcc_body distcc_param dst dst_conn
    dst_is_local dst_port env fc_dst fc_dst_is_local fc_dst_port fc_err fc_err_str fc_fackets fc_http_major fc_lost
    fc_pp_authority fc_pp_unique_id fc_rcvd_proxy fc_reordering fc_retrans fc_rtt fc_rttvar fc_sacked fc_src
    fc_src_is_local fc_src_port fc_unacked fcgi.docroot fcgi.index fe_client_timeout fe_conn fe_defbe fe_id fe_name
    fe_req_rate fe_sess_rate hostname int ipv4 ipv6 last_rule_file last_rule_line lat_ns_avg lat_ns_tot nbproc nbsrv
    payload payload_lv prio_class prio_offset proc queue rand rdp_cookie rdp_cookie_cnt rep_ssl_hello_type so_id
    so_name src src_is_local src_port src_updt_conn_cnt srv_conn srv_conn_free srv_id srv_is_up srv_iweight srv_name
    srv_queue srv_sess_rate srv_uweight srv_weight stopping str table_avl table_cnt thread unique-id uuid var wait_end
"""

_CONTENT = """
    base base32 base32+src baseq capture.req.hdr capture.req.method capture.req.uri capture.req.ver capture.res.hdr
    capture.res.ver cook cook_cnt cook_val cookie hdr hdr_cnt hdr_ip hdr_val http_auth http_auth_bearer
    http_auth_group http_auth_pass http_auth_type http_auth_user http_first_req internal.htx.data internal.htx.free
    internal.htx.free_data internal.htx.has_eom internal.htx.nbblks internal.htx.size internal.htx.used
    internal.htx_blk.data internal.htx_blk.hdrname internal.htx_blk.hdrval internal.htx_blk.size
    internal.htx_blk.start_line internal.htx_blk.type internal.strm.is_htx meth method path pathq query req.body
    req.body_len req.body_param req.body_size req.cook req.cook_cnt req.cook_val req.fhdr req.fhdr_cnt req.hdr
    req.hdr_cnt req.hdr_ip req.hdr_names req.hdr_val req.hdrs req.hdrs_bin req.len req.payload req.payload_lv
    req.proto_http req.rdp_cookie req.rdp_cookie_cnt req.ssl_alpn req.ssl_ec_ext req.ssl_hello_type req.ssl_sni
    req.ssl_st_ext req.ssl_ver req.ver req_len req_proto_http req_rdp_cookie req_rdp_cookie_cnt req_ssl_hello_type
    req_ssl_sni req_ssl_ver req_ver res.body res.body_len res.body_size res.cache_hit res.cache_name res.comp
    res.comp_algo res.cook res.cook_cnt res.cook_val res.fhdr res.fhdr_cnt res.hdr res.hdr_cnt res.hdr_ip
    res.hdr_names res.hdr_val res.hdrs res.hdrs_bin res.len res.payload res.payload_lv res.ssl_hello_type res.ver
    resp_ver scook scook_cnt scook_val shdr shdr_cnt shdr_ip shdr_val status url url32 url32+src url_ip url_param
    url_port urlp urlp_val
"""

_TLS = """
    ssl_bc ssl_bc_alg_keysize ssl_bc_alpn ssl_bc_cipher ssl_bc_client_random ssl_bc_err ssl_bc_err_str
    ssl_bc_is_resumed ssl_bc_npn ssl_bc_protocol ssl_bc_server_random ssl_bc_session_id ssl_bc_session_key
    ssl_bc_unique_id ssl_bc_use_keysize ssl_c_ca_err ssl_c_ca_err_depth ssl_c_chain_der ssl_c_der ssl_c_err ssl_c_i_dn
    ssl_c_key_alg ssl_c_notafter ssl_c_notbefore ssl_c_s_dn ssl_c_serial ssl_c_sha1 ssl_c_sig_alg ssl_c_used
    ssl_c_verify ssl_c_version ssl_f_der ssl_f_i_dn ssl_f_key_alg ssl_f_notafter ssl_f_notbefore ssl_f_s_dn
    ssl_f_serial ssl_f_sha1 ssl_f_sig_alg ssl_f_version ssl_fc ssl_fc_alg_keysize ssl_fc_alpn ssl_fc_cipher
    ssl_fc_cipherlist_bin ssl_fc_cipherlist_hex ssl_fc_cipherlist_str ssl_fc_cipherlist_xxh
    ssl_fc_client_early_traffic_secret ssl_fc_client_handshake_traffic_secret ssl_fc_client_random
    ssl_fc_client_traffic_secret_0 ssl_fc_early_exporter_secret ssl_fc_ecformats_bin ssl_fc_eclist_bin ssl_fc_err
    ssl_fc_err_str ssl_fc_exporter_secret ssl_fc_extlist_bin ssl_fc_has_crt ssl_fc_has_early ssl_fc_has_sni
    ssl_fc_is_resumed ssl_fc_npn ssl_fc_protocol ssl_fc_protocol_hello_id ssl_fc_server_handshake_traffic_secret
    ssl_fc_server_random ssl_fc_server_traffic_secret_0 ssl_fc_session_id ssl_fc_session_key ssl_fc_sni ssl_fc_sni_end
    ssl_fc_sni_reg ssl_fc_unique_id ssl_fc_use_keysize ssl_s_chain_der ssl_s_der ssl_s_i_dn ssl_s_key_alg
    ssl_s_notafter ssl_s_notbefore ssl_s_s_dn ssl_s_serial ssl_s_sha1 ssl_s_sig_alg ssl_s_version
"""

_COUNTERS = """
    bytes_in_rate bytes_out_rate clr_gpc clr_gpc0 clr_gpc1 conn_cnt conn_cur conn_rate get_gpc get_gpc0 get_gpc1
    get_gpt get_gpt0 gpc0_rate gpc1_rate gpc_rate http_err_cnt http_err_rate http_fail_cnt http_fail_rate http_req_cnt
    http_req_rate inc_gpc inc_gpc0 inc_gpc1 kbytes_in kbytes_out sess_cnt sess_rate tracked trackers
"""

_BY_PATTERN = "base cook hdr path scook shdr url urlp"

FETCHES = frozenset((
    *_ANYWHERE.split(), *_CONTENT.split(), *_TLS.split(),
    *(f"{table}_{counter}" for table in ("sc", "sc0", "sc1", "sc2", "src") for counter in _COUNTERS.split()),
    *(f"{name}_{match}" for name in _BY_PATTERN.split() for match in ("beg", "dir", "dom", "end", "len", "reg", "sub")),
))
"""Sample fetches and the ACL words derived from them."""
